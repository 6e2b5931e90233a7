-- Tells which tenant a profile id belongs to, so that a subscription to a foreign one is told from a mistyped one
-- and counted. Belongs to holdfast_scheduler; ids only. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_profile_owner(p_profile_id uuid)
RETURNS TABLE (tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT p.tenant_id FROM engine.profiles p WHERE p.profile_id = p_profile_id
$$;
COMMENT ON FUNCTION engine.fn_due_profile_owner IS
  'Id of the tenant that has a profile.';
REVOKE ALL ON FUNCTION engine.fn_due_profile_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_profile_owner TO holdfast_engine;
