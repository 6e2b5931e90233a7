-- Lists alerts that wait to be executed, the longest waiting first.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_alerts(p_limit integer)
RETURNS TABLE (tenant_id uuid, alert_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  RETURN QUERY
    SELECT a.tenant_id, a.alert_id FROM engine.alerts a
    WHERE a.state = 'received' AND a.due_at <= v_now
    ORDER BY a.due_at, a.alert_id LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION engine.fn_due_alerts IS
  'Alerts that wait to be executed.';
REVOKE ALL ON FUNCTION engine.fn_due_alerts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_alerts TO holdfast_engine;
