"""A run as one file that needs nothing else: no network, no server, no script to be read."""
