"""How the harness's own server is set up; docker-compose.yml gives a container the same values."""

from __future__ import annotations

SERVER_SETTINGS: dict[str, str] = {
    # A commit that is acknowledged is on disk: what a service in production pays for.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Every suite's working set fits, so that no arm is measured against a cold cache.
    "shared_buffers": "256MB",
    # What is cached costs the same to read in any order; at the default of 4 the lines of an order
    # would be fetched by a bitmap and sorted, not read along their index.
    "random_page_cost": "1.1",
    # A checkpoint inside a block would burden one arm; the harness places them between blocks.
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    # WAL files are kept and used again, since making new ones costs the arm that needs them.
    "min_wal_size": "1GB",
    # Evidence, when a checkpoint or an autovacuum fell into a block after all.
    "log_checkpoints": "on",
    "log_autovacuum_min_duration": "0",
    # Tables that grow without it become slower, which is no property of a strategy.
    "autovacuum": "on",
    # Several workers' pools, and the harness beside them.
    "max_connections": "200",
    # The log is set against the history: by time, and by the pid of the backend.
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

LOG_RELAY_SETTINGS: dict[str, str] = {
    # Beside the others, where relays read the log; all arms of a run are measured under it.
    "wal_level": "logical",
    # What a slot that nobody reads any more may cost.
    "max_slot_wal_keep_size": "2GB",
}
