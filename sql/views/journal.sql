-- The lines of all economic events: each moves one amount from one ledger account to another.
-- Runs with its reader's rights, so row level security holds.
CREATE OR REPLACE VIEW engine.journal WITH (security_invoker = true) AS
SELECT f.tenant_id, f.event_id, l.line::smallint AS line, f.profile_id, l.debit_account, l.credit_account, l.amount,
       l.debit_balance, l.credit_balance
FROM engine.facts f
CROSS JOIN LATERAL unnest(f.lines) WITH ORDINALITY AS l (debit_account, credit_account, amount, debit_balance,
  credit_balance, line);
COMMENT ON VIEW engine.journal IS 'lines of economic events, with both accounts'' balances after each';
REVOKE ALL ON engine.journal FROM PUBLIC;
GRANT SELECT ON engine.journal TO holdfast_reader;
