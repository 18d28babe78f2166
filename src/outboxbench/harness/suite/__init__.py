"""Suites: what to measure, in which order, and the run that measures it."""
