-- Of a fact only the sequence number may come later, once. What is compared stands in the function: a long WHEN is
-- copied for every INSERT.
CREATE OR REPLACE TRIGGER facts_immutable
  BEFORE UPDATE ON engine.facts
  FOR EACH ROW EXECUTE FUNCTION engine.guard_fact();
