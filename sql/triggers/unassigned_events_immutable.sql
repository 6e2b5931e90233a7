-- Rows of unassigned_events are never changed or deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER unassigned_events_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.unassigned_events
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
