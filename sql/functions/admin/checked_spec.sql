-- Gives a profile spec back if its keys and types are the documented ones, all optional: symbols [text]; numbers as
-- text; counts and times as whole numbers; max_open_orders {profile, symbol}; identical_orders {count, within_s}.
-- What its values mean is checked where it is written.
-- Locks nothing, writes nothing. Raises HF422: the key that is wrong is named.
CREATE OR REPLACE FUNCTION engine.checked_spec(p_spec jsonb)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_number constant text := '^[0-9]{1,20}(\.[0-9]{1,18})?$';
  v_whole  constant text := '^[1-9][0-9]{0,8}$';
  v_wrong  text;
BEGIN
  IF jsonb_typeof(p_spec) IS DISTINCT FROM 'object' OR octet_length(p_spec::text) > 524288 THEN
    PERFORM engine.refuse('HF422', 'a spec is a JSON object of at most 512 KiB', '{"argument": "spec"}');
  END IF;
  SELECT s.key INTO v_wrong FROM jsonb_each(p_spec) s
    WHERE CASE s.key
      WHEN 'symbols' THEN jsonb_typeof(s.value) = 'array'
        AND NOT jsonb_path_exists(s.value, 'strict $[*] ? (@.type() != "string")')
      WHEN 'max_order_quantity' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'max_order_notional' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'price_collar' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'max_daily_loss' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'slippage_cap' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'max_slippage' THEN jsonb_typeof(s.value) = 'string' AND s.value #>> '{}' ~ v_number
      WHEN 'quote_max_age_ms' THEN jsonb_typeof(s.value) = 'number' AND s.value::text ~ '^[1-9][0-9]{0,6}$'
      WHEN 'max_entries_per_minute' THEN jsonb_typeof(s.value) = 'number' AND s.value::text ~ v_whole
      WHEN 'reconciliation_age_max_s' THEN jsonb_typeof(s.value) = 'number' AND s.value::text ~ v_whole
      WHEN 'clock_skew_max_ms' THEN jsonb_typeof(s.value) = 'number' AND s.value::text ~ v_whole
      WHEN 'max_open_orders' THEN jsonb_typeof(s.value) = 'object' AND s.value <> '{}'
        AND s.value - 'profile' - 'symbol' = '{}'
        AND (s.value -> 'profile' IS NULL OR s.value ->> 'profile' ~ v_whole)
        AND (s.value -> 'symbol' IS NULL OR s.value ->> 'symbol' ~ v_whole)
      WHEN 'identical_orders' THEN jsonb_typeof(s.value) = 'object' AND s.value - 'count' - 'within_s' = '{}'
        AND s.value ->> 'count' ~ v_whole AND s.value ->> 'within_s' ~ v_whole
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
