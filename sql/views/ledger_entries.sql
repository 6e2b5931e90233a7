-- The journal as double entry shows it: each row's DEBIT and CREDIT leg with the account's balance after it.
-- Runs with its reader's rights, so row level security holds.
CREATE OR REPLACE VIEW engine.ledger_entries WITH (security_invoker = true) AS
SELECT j.tenant_id, j.event_id, j.line, j.profile_id, e.version, e.type AS event_type, l.type, l.account, j.amount,
       l.balance, e.recorded_at
FROM engine.journal j
JOIN engine.economic_events e USING (tenant_id, event_id)
CROSS JOIN LATERAL (VALUES ('DEBIT', j.debit_account, j.debit_balance),
                           ('CREDIT', j.credit_account, j.credit_balance)) AS l (type, account, balance);
COMMENT ON VIEW engine.ledger_entries IS
  'both legs of every journal row; order by version and line; balance is the account''s own after that row';
REVOKE ALL ON engine.ledger_entries FROM PUBLIC;
GRANT SELECT ON engine.ledger_entries TO holdfast_reader;
