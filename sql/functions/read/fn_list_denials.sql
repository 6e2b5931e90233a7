-- Counts the denials that were stored with an idempotency key, by code; p_since bounds them.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_denials(p_tenant_id uuid, p_since timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_object_agg(d.code, d.denials), '{}')
    FROM (SELECT k.denial->>'code' AS code, count(*) AS denials FROM engine.denials k
          WHERE k.tenant_id = p_tenant_id AND (p_since IS NULL OR k.created_at >= p_since)
          GROUP BY 1) d);
END
$$;
COMMENT ON FUNCTION engine.fn_list_denials IS
  'Stored denials: {code: count}.';
REVOKE ALL ON FUNCTION engine.fn_list_denials FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_denials TO holdfast_engine, holdfast_operator, holdfast_reader;
