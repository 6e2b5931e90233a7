-- Takes a process that stops out of the living ones; its leases are released by themselves.
-- Locks and removes its row of engine_instances. Raises nothing: one that is not there has ended already.
CREATE OR REPLACE FUNCTION engine.fn_end_instance(p_instance_id uuid)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
  DELETE FROM engine.engine_instances WHERE instance_id = p_instance_id
$$;
COMMENT ON FUNCTION engine.fn_end_instance IS
  'Ends an engine process''s own row among the living.';
REVOKE ALL ON FUNCTION engine.fn_end_instance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_end_instance TO holdfast_engine;
