-- Gives reconciliation locks back: p_locks [{profile_id, fencing_token}]. Answers for each, in their order:
-- {code: OK}, or {code: STALE_TOKEN} if it is another's by now.
-- Locks and writes the locks' rows, by profile. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_unlock_reconciliation(p_tenant_id uuid, p_locks jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- few rows by their keys: a plan made while a table was empty must not become a scan of it
SET enable_seqscan = off
AS $$
DECLARE
  v_answer jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM FROM engine.reconciliation_locks k WHERE k.tenant_id = p_tenant_id AND k.profile_id IN (
      SELECT g.profile_id FROM jsonb_to_recordset(p_locks) AS g (profile_id uuid))
    ORDER BY k.profile_id FOR NO KEY UPDATE;
  WITH given AS MATERIALIZED (
    SELECT g.profile_id, g.fencing_token, g.place
    FROM ROWS FROM (jsonb_to_recordset(p_locks) AS (profile_id uuid, fencing_token bigint))
      WITH ORDINALITY AS g (profile_id, fencing_token, place)
  ), freed AS (
    UPDATE engine.reconciliation_locks k SET holder = NULL, expires_at = NULL
    FROM given g WHERE k.tenant_id = p_tenant_id AND k.profile_id = g.profile_id
      AND k.fencing_token = g.fencing_token AND k.holder IS NOT NULL
    RETURNING k.profile_id
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('code', CASE WHEN f.profile_id IS NULL THEN 'STALE_TOKEN'
    ELSE 'OK' END) ORDER BY g.place), '[]') INTO v_answer
  FROM given g LEFT JOIN freed f ON f.profile_id = g.profile_id;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION engine.fn_unlock_reconciliation IS
  'Gives the reconciliation locks of profiles back.';
REVOKE ALL ON FUNCTION engine.fn_unlock_reconciliation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_unlock_reconciliation TO holdfast_engine;
