-- Once a transaction, however many messages it stores: PostgreSQL sends equal notifications once.
CREATE OR REPLACE FUNCTION announce_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER announce_messages AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION announce_messages();
