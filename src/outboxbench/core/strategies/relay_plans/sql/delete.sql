-- Where delivered messages are deleted, the key that refuses a repeated operation would go with
-- them. It is kept apart from the moment of its commit: written later, by the relay, it would leave
-- a gap in which a repetition finds neither.
INSERT INTO operations (op_id) SELECT DISTINCT op_id FROM outbox ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION keep_operations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO operations (op_id) SELECT op_id FROM stored WHERE ordinal = 0;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER keep_operations AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION keep_operations();
