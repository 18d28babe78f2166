"""The outbox read from the write-ahead log, through a replication slot, whatever the strategy."""
