"""How relays share the outbox of a database: SQL that is the same for every library."""
