-- Counts the open dead letters of each tenant and direction.
-- Belongs to holdfast_scheduler; ids and counts only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_dead_letters()
RETURNS TABLE (tenant_id uuid, direction text, letters bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT d.tenant_id, d.direction, count(*) FROM engine.dead_letters d WHERE d.state = 'open' GROUP BY 1, 2 ORDER BY 1, 2
$$;
COMMENT ON FUNCTION engine.fn_due_dead_letters IS
  'Open dead letters by tenant and direction.';
REVOKE ALL ON FUNCTION engine.fn_due_dead_letters FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_dead_letters TO holdfast_engine;
