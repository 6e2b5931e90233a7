-- The journal rows of one event: debits and credits matched in the fixed order of a profile's six accounts, each row
-- with both balances after it. p_changes: what each account changes by, p_balances: what stood there before, both in
-- the order of the accounts and in each one's own normal sense. Zero changes are skipped; no change at all is NULL.
-- They balance: the capital's row, written before with the same changes, has a CHECK that says so.
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.journal_lines(p_changes numeric[], p_balances numeric[])
RETURNS engine.journal_line[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  c_accounts CONSTANT text[] := '{AVAILABLE,RESERVED_FOR_ORDERS,RESERVED_FOR_POSITIONS,DUST,TRADING_PNL,FEES}';
  c_pnl CONSTANT integer := 5;  -- the one credit-normal account among them
  v_debit integer := 1;
  v_credit integer := 1;
  v_amount numeric;
  v_lines engine.journal_line[];
BEGIN
  p_changes[c_pnl] := -p_changes[c_pnl];
  LOOP
    WHILE p_changes[v_debit] <= 0 LOOP v_debit := v_debit + 1; END LOOP;
    WHILE p_changes[v_credit] >= 0 LOOP v_credit := v_credit + 1; END LOOP;
    EXIT WHEN v_debit > 6 OR v_credit > 6;
    v_amount := least(p_changes[v_debit], -p_changes[v_credit]);
    p_changes[v_debit] := p_changes[v_debit] - v_amount;
    p_changes[v_credit] := p_changes[v_credit] + v_amount;
    p_balances[v_debit] := p_balances[v_debit] + CASE v_debit WHEN c_pnl THEN -v_amount ELSE v_amount END;
    p_balances[v_credit] := p_balances[v_credit] - CASE v_credit WHEN c_pnl THEN -v_amount ELSE v_amount END;
    v_lines := v_lines || ROW(c_accounts[v_debit], c_accounts[v_credit], v_amount, p_balances[v_debit],
      p_balances[v_credit])::engine.journal_line;
  END LOOP;
  RETURN v_lines;
END $$;
COMMENT ON FUNCTION engine.journal_lines(numeric[], numeric[]) IS 'the journal rows of one event';
REVOKE ALL ON FUNCTION engine.journal_lines(numeric[], numeric[]) FROM PUBLIC;
