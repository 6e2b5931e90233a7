-- Which of these intents the last two passes over the account skipped as well: they are to be queried by themselves.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.skipped_before(p_profile engine.profiles, p_skipped uuid[])
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_passes jsonb[];
BEGIN
  IF cardinality(p_skipped) = 0 THEN
    RETURN '[]';
  END IF;
  v_passes := ARRAY(SELECT coalesce(p.compared -> 'skipped', '[]') FROM engine.reconciliation_passes p
    WHERE p.tenant_id = p_profile.tenant_id AND p.account_id = p_profile.account_id AND NOT p.dry_run
      AND p.finished_at IS NOT NULL AND (p.profile_id IS NULL OR p.profile_id = p_profile.profile_id)
    ORDER BY p.pass_id DESC LIMIT 2);
  RETURN (SELECT coalesce(jsonb_agg(s ORDER BY s), '[]') FROM unnest(p_skipped) s
          WHERE cardinality(v_passes) = 2 AND v_passes[1] ? s::text AND v_passes[2] ? s::text);
END
$$;
COMMENT ON FUNCTION engine.skipped_before IS
  'Which intents were skipped by the last two passes, too.';
REVOKE ALL ON FUNCTION engine.skipped_before FROM PUBLIC;
