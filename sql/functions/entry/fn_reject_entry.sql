-- Records that the exchange definitively refused entries: array of {intent_id, fencing_token, exchange_code,
-- message, evidence}; reservation and entry lock are released.
-- Locks: intents → positions → profile_capital, each sorted.
-- Writes: intents, reservations, positions, the ledger, outbox; audit for a stale answer.
-- Codes: OK {replay}, NOT_FOUND, STALE_TOKEN (kept as evidence), ILLEGAL_TRANSITION. Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_reject_entry(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN engine.refuse_intents(p_tenant_id, p_items, 'entry', 'rejected', v_now);
END $$;
COMMENT ON FUNCTION engine.fn_reject_entry(uuid, jsonb) IS 'records that the exchange refused entries';
REVOKE ALL ON FUNCTION engine.fn_reject_entry(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_reject_entry(uuid, jsonb) TO holdfast_engine;
