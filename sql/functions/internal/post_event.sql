-- Posts one economic event of an operator: its journal, the balances it moves and its outbox row.
-- p_lines: [{debit, credit, amount}], in the order of their lines; a line of zero is left out.
-- Locks the profile_capital row, then draws event id and version.
-- Writes facts, profile_capital. Available below zero halts the profile in the same UPDATE.
-- Raises HF404 no such profile; HF414 key used for another profile; HF422 nothing to move.
CREATE OR REPLACE FUNCTION engine.post_event(
    p_tenant_id uuid, p_profile_id uuid, p_type text, p_key text, p_actor text, p_cause text,
    p_lines jsonb, p_fact text, p_payload jsonb, p_at timestamptz
)
RETURNS bigint
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_accounts   constant text[] := ARRAY['CAPITAL', 'AVAILABLE', 'RESERVED_FOR_ORDERS', 'RESERVED_FOR_POSITIONS', 'DUST',
                                        'TRADING_PNL', 'FEES'];
  v_debit_sign constant integer[] := ARRAY[-1, 1, 1, 1, 1, -1, 1];
  v_capital    engine.profile_capital;
  v_balances   numeric[];
  v_event_id   bigint;
  v_lines      engine.journal_line[];
  v_line       integer := 0;
  v_move       record;
  v_halts      boolean;
BEGIN
  SELECT * INTO v_capital FROM engine.profile_capital
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  v_event_id := nextval('engine.event_ids');
  v_balances := ARRAY[v_capital.allocated, v_capital.available, v_capital.reserved_for_orders,
                      v_capital.reserved_for_positions, v_capital.dust, v_capital.trading_pnl, v_capital.fees];
  FOR v_move IN SELECT array_position(v_accounts, l.debit) AS debit, array_position(v_accounts, l.credit) AS credit,
                       l.amount::numeric AS amount
      FROM jsonb_to_recordset(p_lines) AS l (debit text, credit text, amount text) WHERE l.amount::numeric <> 0 LOOP
    v_line := v_line + 1;
    v_balances[v_move.debit] := v_balances[v_move.debit] + v_move.amount * v_debit_sign[v_move.debit];
    v_balances[v_move.credit] := v_balances[v_move.credit] - v_move.amount * v_debit_sign[v_move.credit];
    v_lines[v_line] := ROW(v_accounts[v_move.debit], v_accounts[v_move.credit], v_move.amount,
      v_balances[v_move.debit], v_balances[v_move.credit])::engine.journal_line;
  END LOOP;
  IF v_line = 0 THEN
    PERFORM engine.refuse('HF422', 'an economic event moves something');
  END IF;
  INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, recorded_at, type, payload, version, economic_type,
                            idempotency_key, actor, cause, spec_version, lines)
    SELECT p_tenant_id, v_event_id, 0, p_profile_id, p_at, p_fact, p_payload, v_capital.version + 1, p_type, p_key,
           p_actor, p_cause, p.spec_version, v_lines
    FROM engine.profiles p WHERE p.tenant_id = p_tenant_id AND p.profile_id = p_profile_id
    ON CONFLICT (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF414', 'the key was used for something else', jsonb_build_object('key', p_key));
  END IF;
  v_halts := v_balances[2] < 0 AND v_capital.mode <> 'halted';
  UPDATE engine.profile_capital
    SET allocated = v_balances[1], available = v_balances[2], reserved_for_orders = v_balances[3],
        reserved_for_positions = v_balances[4], dust = v_balances[5], trading_pnl = v_balances[6],
        fees = v_balances[7], version = v_capital.version + 1, updated_at = p_at,
        mode = CASE WHEN v_halts THEN 'halted' ELSE v_capital.mode END,
        mode_reason = CASE WHEN v_halts THEN 'available below zero' ELSE v_capital.mode_reason END
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF v_halts THEN
    PERFORM engine.record_fact(p_tenant_id, NULL, 'profile.halted',
      jsonb_build_object('reason', 'available below zero', 'available', trim_scale(v_balances[2])::text),
      p_at, p_profile_id);
  END IF;
  RETURN v_event_id;
END
$$;
COMMENT ON FUNCTION engine.post_event IS
  'Posts one balanced economic event; gives its event id.';
REVOKE ALL ON FUNCTION engine.post_event FROM PUBLIC;
