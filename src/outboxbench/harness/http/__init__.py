"""The load on a service, over HTTP: what Locust's users ask for, and what they make of answers."""
