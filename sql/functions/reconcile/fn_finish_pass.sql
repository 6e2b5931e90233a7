-- Records how a pass ended, what it found ([{kind, key, profile_id, intent_id, detail, cause, outcome: healed,
-- explained or open}]) and how far the trades were read ([{symbol, exchange_trade_id, exchange_time}]). A mismatch
-- seen again is counted, not written again. What a complete pass (p_compared.complete) did not see has ended, except
-- of intents that it skipped (p_compared.skipped). A dry run records itself alone. Answers {open: {kind: n},
-- explained: {kind: n}}.
-- Locks the lease row FOR SHARE, the pass and its mismatches. Writes reconciliation_passes, mismatches, trade_cursors,
-- and one outbox row if anything is new or has ended. A pass that is finished already answers and changes nothing.
-- Raises HF403 foreign tenant; HF404 no such pass; HF410 the lease is not held; HF422 no such outcome.
CREATE OR REPLACE FUNCTION engine.fn_finish_pass(
    p_tenant_id uuid, p_pass_id bigint, p_lease_token bigint, p_outcome text, p_compared jsonb, p_mismatches jsonb,
    p_cursors jsonb, p_error text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now     timestamptz := engine.fn_clock();
  v_pass    engine.reconciliation_passes;
  v_changed integer;
  v_ended   integer := 0;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_pass FROM engine.reconciliation_passes WHERE tenant_id = p_tenant_id AND pass_id = p_pass_id
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such pass', jsonb_build_object('pass_id', p_pass_id));
  ELSIF (p_outcome IN ('clean', 'healed', 'explained', 'open', 'failed')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'a pass ends clean, healed, explained, open or failed',
                          jsonb_build_object('outcome', p_outcome));
  ELSIF v_pass.finished_at IS NOT NULL THEN
    RETURN engine.standing_mismatches(p_tenant_id, v_pass.account_id);
  END IF;
  IF NOT v_pass.dry_run OR p_lease_token IS NOT NULL THEN
    PERFORM engine.require_lease(p_tenant_id, v_pass.account_id, p_lease_token, v_now);
  END IF;
  UPDATE engine.reconciliation_passes
    SET finished_at = v_now, outcome = p_outcome, compared = coalesce(p_compared, '{}'), error = p_error
    WHERE tenant_id = p_tenant_id AND pass_id = p_pass_id;
  IF v_pass.dry_run THEN
    RETURN engine.standing_mismatches(p_tenant_id, v_pass.account_id);
  END IF;
  v_changed := engine.keep_mismatches(v_pass, p_mismatches, v_now);
  IF p_outcome <> 'failed' AND (p_compared ->> 'complete')::boolean IS TRUE THEN
    UPDATE engine.mismatches SET ended_at = v_now, outcome = 'not seen any more',
        state = CASE state WHEN 'open' THEN 'healed' ELSE state END
      WHERE tenant_id = p_tenant_id AND account_id = v_pass.account_id AND ended_at IS NULL
        AND last_pass_id <> p_pass_id AND (v_pass.profile_id IS NULL OR profile_id = v_pass.profile_id)
        AND NOT coalesce(p_compared -> 'skipped' ? intent_id::text, false);
    GET DIAGNOSTICS v_ended = ROW_COUNT;
  END IF;
  INSERT INTO engine.trade_cursors AS c (tenant_id, account_id, symbol, exchange_trade_id, exchange_time, updated_at)
    SELECT DISTINCT ON (g.symbol) p_tenant_id, v_pass.account_id, g.symbol, g.exchange_trade_id, g.exchange_time, v_now
    FROM jsonb_to_recordset(coalesce(p_cursors, '[]'))
      AS g (symbol text, exchange_trade_id text, exchange_time timestamptz)
    ORDER BY g.symbol, g.exchange_time DESC
    ON CONFLICT (tenant_id, account_id, symbol) DO UPDATE
      SET exchange_trade_id = coalesce(excluded.exchange_trade_id, c.exchange_trade_id),
          exchange_time = excluded.exchange_time, updated_at = excluded.updated_at
      WHERE c.exchange_time < excluded.exchange_time;
  IF v_changed + v_ended > 0 THEN
    PERFORM engine.record_fact(p_tenant_id, NULL, 'reconciliation.finished', jsonb_build_object('pass_id', p_pass_id,
      'account_id', v_pass.account_id, 'cause', v_pass.cause, 'outcome', p_outcome, 'found', v_changed,
      'ended', v_ended) || engine.standing_mismatches(p_tenant_id, v_pass.account_id), v_now, v_pass.profile_id);
  END IF;
  RETURN engine.standing_mismatches(p_tenant_id, v_pass.account_id);
END
$$;
COMMENT ON FUNCTION engine.fn_finish_pass IS
  'Records how a pass ended and what it found; gives what stands open and explained, per kind.';
REVOKE ALL ON FUNCTION engine.fn_finish_pass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_finish_pass TO holdfast_engine;
