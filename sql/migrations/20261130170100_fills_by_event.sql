-- A page of fills, newest first, read every fill there ever was and sorted them.
CREATE INDEX fills_by_event ON engine.fills (tenant_id, event_id);
