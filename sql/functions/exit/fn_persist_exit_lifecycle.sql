-- Records what the exchange confirmed of exit intents: step 3 of an exit's life, for an array of at most 512 of
-- {intent_id, exchange_order_id, status, filled_quantity, exchange_time, fills, evidence}.
-- Order, reservation bound to it, lock released, parked and reported fills booked, terminal status applied, all
-- in this transaction; idempotent by intent, accepted from anyone (facts need no token).
-- Locks: intents → orders → positions → profile_capital → unassigned, each sorted.
-- Writes: intents, orders, fills, unmatched_fills, positions, reservations, the ledger, outbox.
-- Codes: OK {replay, order_status, cancel_requested, false_absence, fills}, NOT_FOUND, CONFLICT.
-- Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_persist_exit_lifecycle(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
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
  RETURN engine.persist_confirmed(p_tenant_id, p_items, 'exit', v_now);
END $$;
COMMENT ON FUNCTION engine.fn_persist_exit_lifecycle(uuid, jsonb) IS 'records what the exchange confirmed of exit intents';
REVOKE ALL ON FUNCTION engine.fn_persist_exit_lifecycle(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_persist_exit_lifecycle(uuid, jsonb) TO holdfast_engine;
