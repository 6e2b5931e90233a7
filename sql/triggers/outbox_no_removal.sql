-- Rows of outbox are never deleted.
CREATE OR REPLACE TRIGGER outbox_no_removal
  BEFORE DELETE OR TRUNCATE ON engine.outbox
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
