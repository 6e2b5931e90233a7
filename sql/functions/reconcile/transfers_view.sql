-- Transfers as a pass explains them: [{kind: transfer, key, detail}]; the key is without the account's id.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.transfers_view(p_moves engine.foreign_move[])
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', 'transfer', 'key', substr(m.key, 47),
      'detail', jsonb_build_object('cause', m.cause, 'asset', m.asset, 'delta', trim_scale(m.delta)::text))), '[]')
    FROM unnest(p_moves) m);
END
$$;
COMMENT ON FUNCTION engine.transfers_view IS
  'Transfers as a pass explains them.';
REVOKE ALL ON FUNCTION engine.transfers_view FROM PUBLIC;
