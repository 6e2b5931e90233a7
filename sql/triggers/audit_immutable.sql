-- Rows of audit are never changed or deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER audit_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.audit
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
