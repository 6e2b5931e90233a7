-- Lists dead-man's switches whose time has passed, or that have fired and not swept, the longest waiting first.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_switches(p_limit integer)
RETURNS TABLE (tenant_id uuid, robot_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  RETURN QUERY
    SELECT s.tenant_id, s.robot_id FROM engine.dead_mans_switches s
    WHERE (s.armed OR s.sweeping) AND (s.sweeping OR s.expires_at <= v_now)
    ORDER BY s.expires_at LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION engine.fn_due_switches IS
  'Dead-man''s switches that have to act.';
REVOKE ALL ON FUNCTION engine.fn_due_switches FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_switches TO holdfast_engine;
