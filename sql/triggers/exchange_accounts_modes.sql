-- An account's mode is copied to its profiles.
CREATE OR REPLACE TRIGGER exchange_accounts_modes
  AFTER UPDATE OF mode ON engine.exchange_accounts
  FOR EACH ROW EXECUTE FUNCTION engine.copy_modes();
