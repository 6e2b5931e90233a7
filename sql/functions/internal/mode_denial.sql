-- The denial by modes: the strictest of engine, tenant, account and profile, named with its reason.
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.mode_denial(
  p_engine text, p_engine_reason text, p_tenant text, p_tenant_reason text,
  p_account text, p_account_reason text, p_profile text, p_profile_reason text
) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT jsonb_build_object('code', 'MODE_' || upper(m.mode), 'level', m.level, 'reason', m.reason)
  FROM (VALUES (1, 'engine', p_engine, p_engine_reason), (2, 'tenant', p_tenant, p_tenant_reason),
    (3, 'account', p_account, p_account_reason), (4, 'profile', p_profile, p_profile_reason)
  ) m(place, level, mode, reason)
  WHERE m.mode <> 'active'
  ORDER BY m.mode = 'halted' DESC, m.place
  LIMIT 1
$$;
COMMENT ON FUNCTION engine.mode_denial(text, text, text, text, text, text, text, text) IS
  'denial by the strictest mode';
REVOKE ALL ON FUNCTION engine.mode_denial(text, text, text, text, text, text, text, text) FROM PUBLIC;
