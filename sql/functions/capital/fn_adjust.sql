-- An operator's correction of a profile: AVAILABLE, or a position (RESERVED_FOR_POSITIONS, or DUST of one that is
-- dust, with symbol and quantity; quantity 0 corrects the cost alone), against CAPITAL or TRADING_PNL.
-- What the profile gains the account's unassigned holding loses, so the account equations stay true.
-- Answers {code: OK, event_id, replay, capital} or ACCOUNT_CAPITAL_EXCEEDED {asset, unassigned, required}.
-- Locks position, profile_capital, unassigned, in this order. Writes positions, trade_history, economic_events,
-- journal, profile_capital, unassigned_holdings, unassigned_events, outbox, audit. Available below zero halts.
-- Raises HF403 foreign tenant; HF404 no such profile or symbol; HF413 key missing; HF414 key reused; HF422 a bad
-- argument, or the position cannot give this.
CREATE OR REPLACE FUNCTION engine.fn_adjust(
    p_tenant_id uuid, p_profile_id uuid, p_debit_account text, p_credit_account text,
    p_amount numeric, p_symbol text, p_quantity numeric, p_key text, p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now        timestamptz := engine.fn_clock();
  v_key        text;
  v_raises     boolean;
  v_target     text;
  v_counter    text;
  v_sign       integer;
  v_asset      text;
  v_delta      numeric;
  v_account_id uuid;
  v_unassigned numeric;
  v_first      jsonb;
  v_fact       jsonb;
  v_event_id   bigint;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_key := engine.operator_key(p_key);
  PERFORM engine.checked_amount(p_amount, 'amount'), engine.checked_text(p_actor, 'actor'),
          engine.checked_text(p_reason, 'reason');
  v_raises := p_credit_account IN ('CAPITAL', 'TRADING_PNL');
  v_target := CASE WHEN v_raises THEN p_debit_account ELSE p_credit_account END;
  v_counter := CASE WHEN v_raises THEN p_credit_account ELSE p_debit_account END;
  v_sign := CASE WHEN v_raises THEN 1 ELSE -1 END;
  IF (v_counter IN ('CAPITAL', 'TRADING_PNL') AND CASE WHEN v_target IN ('RESERVED_FOR_POSITIONS', 'DUST')
        THEN p_symbol IS NOT NULL AND engine.checked_number(p_quantity, 'quantity') >= 0
        ELSE v_target = 'AVAILABLE' AND p_symbol IS NULL AND p_quantity IS NULL END) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'adjust AVAILABLE, or a position with symbol and quantity, against CAPITAL or '
      || 'TRADING_PNL', jsonb_build_object('debit', p_debit_account, 'credit', p_credit_account));
  END IF;
  IF p_symbol IS NULL THEN
    SELECT quote_asset INTO v_asset FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
    v_delta := -v_sign * p_amount;
  ELSE
    v_delta := -v_sign * p_quantity;
  END IF;
  v_first := engine.adjustment_of(p_tenant_id, p_profile_id, v_key, p_debit_account, p_credit_account, p_amount,
                                  p_symbol, v_delta);
  IF v_first IS NOT NULL THEN
    RETURN v_first;
  END IF;
  IF p_symbol IS NOT NULL THEN
    v_asset := engine.lock_position_to_adjust(p_tenant_id, p_profile_id, v_target, p_symbol, v_sign * p_quantity,
                                              v_sign * p_amount, v_now);
  END IF;
  PERFORM FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  v_first := engine.adjustment_of(p_tenant_id, p_profile_id, v_key, p_debit_account, p_credit_account, p_amount,
                                  p_symbol, v_delta);
  IF v_first IS NOT NULL THEN
    RETURN v_first;  -- the same call committed while this one waited for the lock
  END IF;
  SELECT account_id INTO v_account_id FROM engine.profiles
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  SELECT quantity INTO v_unassigned FROM engine.unassigned_holdings
    WHERE tenant_id = p_tenant_id AND account_id = v_account_id AND asset = v_asset FOR NO KEY UPDATE;
  IF v_delta < 0 AND coalesce(v_unassigned, 0) + v_delta < 0 THEN
    DELETE FROM engine.positions  -- the empty row made to be locked
      WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND symbol = p_symbol AND quantity = 0
        AND last_fill_price IS NULL;
    RETURN jsonb_build_object('code', 'ACCOUNT_CAPITAL_EXCEEDED', 'asset', v_asset,
      'required', trim_scale(-v_delta)::text, 'unassigned', trim_scale(coalesce(v_unassigned, 0))::text);
  END IF;
  v_fact := jsonb_build_object('debit', p_debit_account, 'credit', p_credit_account,
    'amount', trim_scale(p_amount)::text, 'symbol', p_symbol, 'quantity', trim_scale(p_quantity)::text,
    'actor', p_actor, 'reason', p_reason);
  v_event_id := engine.post_event(p_tenant_id, p_profile_id, 'adjustment', v_key, p_actor, p_reason,
    jsonb_build_array(jsonb_build_object('debit', p_debit_account, 'credit', p_credit_account,
                                         'amount', p_amount::text)), 'capital.adjusted', v_fact, v_now);
  IF p_symbol IS NOT NULL THEN
    PERFORM engine.adjust_position(p_tenant_id, p_profile_id, p_symbol, v_sign * p_quantity, v_sign * p_amount,
      CASE v_counter WHEN 'TRADING_PNL' THEN v_sign * p_amount ELSE 0 END, v_event_id, v_now);
  END IF;
  PERFORM engine.move_unassigned(p_tenant_id, v_account_id, v_asset, v_delta, 'adjustment', v_event_id, v_key, p_actor,
                                 p_reason, v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'adjust', NULL,
    v_fact || jsonb_build_object('profile_id', p_profile_id, 'event_id', v_event_id), v_now);
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_event_id, 'replay', false,
                            'capital', engine.fn_get_capital(p_tenant_id, p_profile_id));
END
$$;
COMMENT ON FUNCTION engine.fn_adjust IS
  'Corrects a profile''s available or a position with reason and actor. A repeated key gives the first '
  'event.';
REVOKE ALL ON FUNCTION engine.fn_adjust FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_adjust TO holdfast_engine;
