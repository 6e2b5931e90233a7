-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS outbox_scheduler ON engine.outbox;
CREATE POLICY outbox_scheduler ON engine.outbox
  FOR SELECT TO holdfast_scheduler
  USING (true);
