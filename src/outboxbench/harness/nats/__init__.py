"""A NATS server with JetStream of the harness's own."""
