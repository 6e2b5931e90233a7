-- Lists dead letters, oldest first. p_filter: id, state, direction, limit.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_dead_letters(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(engine.dead_letter_view(d) ORDER BY d.created_at, d.dead_letter_id), '[]')
    FROM (
      SELECT d.* FROM engine.dead_letters d
      WHERE d.tenant_id = p_tenant_id
        AND (p_filter ->> 'id' IS NULL OR d.dead_letter_id = (p_filter ->> 'id')::uuid)
        AND (p_filter ->> 'state' IS NULL OR d.state = p_filter ->> 'state')
        AND (p_filter ->> 'direction' IS NULL OR d.direction = p_filter ->> 'direction')
      ORDER BY d.created_at, d.dead_letter_id LIMIT v_limit) d);
END
$$;
COMMENT ON FUNCTION engine.fn_list_dead_letters IS
  'Dead letters, oldest first.';
REVOKE ALL ON FUNCTION engine.fn_list_dead_letters FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_dead_letters TO holdfast_engine, holdfast_operator, holdfast_reader;
