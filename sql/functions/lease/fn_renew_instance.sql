-- Says that an engine process lives, and tells it how many do and what the database was deployed from.
-- Locks and writes its own row of engine_instances; removes rows that expired a day ago.
-- Raises HF422: ttl out of bounds.
CREATE OR REPLACE FUNCTION engine.fn_renew_instance(
    p_instance_id uuid, p_name text, p_schema_hash text, p_ttl_ms integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_ttl interval := engine.checked_ttl(p_ttl_ms);
  v_now timestamptz := engine.fn_clock();
BEGIN
  INSERT INTO engine.engine_instances AS i (instance_id, name, schema_hash, started_at, expires_at)
  VALUES (p_instance_id, p_name, p_schema_hash, v_now, v_now + v_ttl)
  ON CONFLICT (instance_id) DO UPDATE
    SET name = excluded.name, schema_hash = excluded.schema_hash, expires_at = excluded.expires_at;
  DELETE FROM engine.engine_instances WHERE expires_at < v_now - interval '1 day';
  RETURN jsonb_build_object(
    'live', (SELECT count(*) FROM engine.engine_instances WHERE expires_at > v_now),
    'schema_hash',
    (SELECT fingerprint FROM engine.schema_objects WHERE kind = 'schema' AND name = 'hash'));
END
$$;
COMMENT ON FUNCTION engine.fn_renew_instance IS
  'Keeps an engine process among the living; gives their number and the database''s schema hash.';
REVOKE ALL ON FUNCTION engine.fn_renew_instance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_renew_instance TO holdfast_engine;
