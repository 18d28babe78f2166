"""Relays under measurement: each a process, with everything it delivers on record."""
