-- Facts are never deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER facts_no_removal
  BEFORE DELETE OR TRUNCATE ON engine.facts
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
