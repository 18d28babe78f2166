"""PostgreSQL under the harness: its binaries, server, databases and counters."""
