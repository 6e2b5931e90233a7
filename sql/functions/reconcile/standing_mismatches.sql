-- What differs in an account at present, per kind: {open: {kind: n}, explained: {kind: n}}.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.standing_mismatches(p_tenant_id uuid, p_account_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('open', coalesce(jsonb_object_agg(m.kind, m.n) FILTER (WHERE m.state = 'open'), '{}'),
      'explained', coalesce(jsonb_object_agg(m.kind, m.n) FILTER (WHERE m.state = 'explained'), '{}'))
    FROM (SELECT kind, state, count(*) AS n FROM engine.mismatches
          WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND ended_at IS NULL GROUP BY kind, state) m);
END
$$;
COMMENT ON FUNCTION engine.standing_mismatches IS
  'How many mismatches of an account stand, per kind.';
REVOKE ALL ON FUNCTION engine.standing_mismatches FROM PUBLIC;
