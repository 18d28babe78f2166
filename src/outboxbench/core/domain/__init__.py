"""Orders and accounts, and the messages they raise: standard library only, no I/O, no clock."""
