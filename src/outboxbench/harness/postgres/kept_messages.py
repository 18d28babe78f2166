"""A copy of every message, for whoever asks later what was committed where relays delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

TABLE: Final = "kept_messages"

# In the transaction that stores a message: what is not committed is not kept either.
_KEEP: Final = """
    CREATE TABLE kept_messages AS TABLE outbox;
    CREATE FUNCTION keep_messages() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO kept_messages SELECT * FROM stored;
        RETURN NULL;
    END $$;
    CREATE TRIGGER keep_messages AFTER INSERT ON outbox REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION keep_messages()"""


def keep_messages(connection: psycopg.Connection[Any]) -> None:
    """Copy the messages that are there, and from now on those that come, each as it is stored."""
    connection.execute(_KEEP.encode())
