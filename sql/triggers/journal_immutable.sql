-- Rows of journal are never changed or deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER journal_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.journal
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
