-- Rows of profile_specs are never changed or deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER profile_specs_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.profile_specs
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
