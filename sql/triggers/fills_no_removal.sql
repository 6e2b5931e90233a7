-- Rows of fills are never deleted.
CREATE OR REPLACE TRIGGER fills_no_removal
  BEFORE DELETE OR TRUNCATE ON engine.fills
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
