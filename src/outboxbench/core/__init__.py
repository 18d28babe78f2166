"""What is measured: a domain, its outbox, and the strategies that persist them."""
