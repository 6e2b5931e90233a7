-- Rows of proofs are never changed or deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER proofs_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.proofs
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
