"""Blocks in which things break: clients on record, faults at random moments, and a history."""
