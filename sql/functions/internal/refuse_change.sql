-- Trigger: refuses UPDATE, DELETE and TRUNCATE of rows that are never changed; corrections are new events.
-- Locks and writes nothing. Raises HF411.
CREATE OR REPLACE FUNCTION engine.refuse_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'HF411',
    MESSAGE = TG_TABLE_NAME || ' is immutable; ' || TG_OP || ' is refused';
END $$;
COMMENT ON FUNCTION engine.refuse_change() IS 'trigger: rows that are never changed';
REVOKE ALL ON FUNCTION engine.refuse_change() FROM PUBLIC;
