"""Takes the price of one command: counted through the wire proxy, then timed without it."""
