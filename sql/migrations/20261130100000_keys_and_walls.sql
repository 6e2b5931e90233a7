-- What robot keys may do and until when, whether an account's credentials can withdraw, and what the scheduler
-- sees to tell a foreign id from one that exists nowhere.
ALTER TABLE engine.robot_keys
  ADD COLUMN scopes     text[] NOT NULL DEFAULT '{trade,cancel,read}'
    CHECK (scopes <> '{}' AND scopes <@ '{trade,cancel,read,manage}'::text[]),
  ADD COLUMN expires_at timestamptz;
COMMENT ON COLUMN engine.robot_keys.scopes IS 'trade: entries and exits; cancel; read; manage: specs and modes';
COMMENT ON COLUMN engine.robot_keys.expires_at IS 'from then on it is refused; NULL: never';
GRANT SELECT (scopes, expires_at) ON engine.robot_keys TO holdfast_reader;
GRANT SELECT (expires_at) ON engine.robot_keys TO holdfast_scheduler;

ALTER TABLE engine.exchange_accounts
  ADD COLUMN withdrawal_right text NOT NULL DEFAULT 'unverifiable'
    CHECK (withdrawal_right IN ('none', 'unverifiable'));
COMMENT ON COLUMN engine.exchange_accounts.withdrawal_right IS
  'none: the exchange said at registration that the credentials cannot withdraw; unverifiable: it cannot say, or was not asked';
GRANT SELECT (withdrawal_right) ON engine.exchange_accounts TO holdfast_reader;

GRANT SELECT (client_order_id) ON engine.intents TO holdfast_scheduler;
