"""Measure what a Python persistence layer costs an event-driven service on PostgreSQL."""
