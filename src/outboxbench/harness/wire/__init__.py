"""The PostgreSQL-protocol proxy: counts what a strategy sends and waits for."""
