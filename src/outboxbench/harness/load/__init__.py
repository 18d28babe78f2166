"""The load on a strategy: what is asked of it, and what is recorded of its answers."""
