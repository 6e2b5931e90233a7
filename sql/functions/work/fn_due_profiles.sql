-- Lists every profile of every tenant.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_profiles()
RETURNS TABLE (tenant_id uuid, profile_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT p.tenant_id, p.profile_id FROM engine.profiles p ORDER BY 1, 2
$$;
COMMENT ON FUNCTION engine.fn_due_profiles IS
  'Ids of all profiles.';
REVOKE ALL ON FUNCTION engine.fn_due_profiles FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_profiles TO holdfast_engine;
