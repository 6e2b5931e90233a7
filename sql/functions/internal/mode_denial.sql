-- The denial by modes: the strictest of engine, tenant, account and profile (the arrays' order, the last ones may
-- be missing), named with its reason.
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.mode_denial(p_modes text[], p_reasons text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT jsonb_build_object('code', 'MODE_' || upper(m.mode), 'level', m.level, 'reason', m.reason)
  FROM unnest(ARRAY['engine', 'tenant', 'account', 'profile'], p_modes, p_reasons)
    WITH ORDINALITY m(level, mode, reason, place)
  WHERE m.mode <> 'active'
  ORDER BY m.mode = 'halted' DESC, m.place
  LIMIT 1
$$;
COMMENT ON FUNCTION engine.mode_denial(text[], text[]) IS 'denial by the strictest mode';
REVOKE ALL ON FUNCTION engine.mode_denial(text[], text[]) FROM PUBLIC;
