"""The domain and its outbox as an HTTP service: what users run, and what Locust drives."""
