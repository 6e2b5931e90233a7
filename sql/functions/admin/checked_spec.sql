-- Gives a profile spec back if its keys and types are the documented ones: symbols [text], max_order_notional text,
-- max_slippage text, quote_max_age_ms integer, all optional. What its values mean is checked where it is written.
-- Locks nothing, writes nothing. Raises HF422: the key that is wrong is named.
CREATE OR REPLACE FUNCTION engine.checked_spec(p_spec jsonb)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_number constant text := '^[0-9]{1,20}(\.[0-9]{1,18})?$';
  v_wrong  text;
BEGIN
  IF jsonb_typeof(p_spec) IS DISTINCT FROM 'object' OR octet_length(p_spec::text) > 524288 THEN
    PERFORM engine.refuse('HF422', 'a spec is a JSON object of at most 512 KiB', '{"argument": "spec"}');
  END IF;
  SELECT s.key INTO v_wrong FROM jsonb_each(p_spec) s
    WHERE CASE s.key
      WHEN 'symbols' THEN jsonb_typeof(s.value) = 'array'
        AND NOT jsonb_path_exists(s.value, 'strict $[*] ? (@.type() != "string")')
      WHEN 'max_order_notional' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'max_slippage' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'quote_max_age_ms' THEN jsonb_typeof(s.value) = 'number' AND s.value::text ~ '^[1-9][0-9]{0,6}$'
      ELSE false END IS NOT TRUE
    ORDER BY 1 LIMIT 1;
  IF FOUND THEN
    PERFORM engine.refuse('HF422', 'the spec''s ' || left(v_wrong, 64) || ' is not of the documented form',
                          jsonb_build_object('argument', 'spec', 'key', v_wrong));
  END IF;
  RETURN p_spec;
END
$$;
COMMENT ON FUNCTION engine.checked_spec IS
  'Gives a profile spec back or refuses it.';
REVOKE ALL ON FUNCTION engine.checked_spec FROM PUBLIC;
