-- Judges an entry by what is true at this moment and was handed in with it: the collar around a reference price, the
-- distance of the exchange's clock, and how long ago its account was reconciled.
-- A reference that is missing or too old is STALE_PRICE: it says nothing about the order. What nobody measured is
-- exceeded. Locks and writes nothing; raises nothing. NULL if nothing speaks against it.
CREATE OR REPLACE FUNCTION engine.judge_moment(
  p_tenant_id uuid, p_account_id uuid, p_price numeric, p_reference numeric, p_reference_age_ms bigint,
  p_clock_skew_ms bigint, p_spec jsonb, p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_collar numeric := p_spec ->> 'price_collar';
  v_age_ms_max bigint := coalesce((p_spec ->> 'quote_max_age_ms')::bigint, 2000);
  v_age_s numeric;
BEGIN
  IF v_collar IS NOT NULL THEN
    IF (p_reference > 0 AND p_reference_age_ms <= v_age_ms_max) IS NOT TRUE THEN
      RETURN jsonb_build_object('code', 'STALE_PRICE', 'limit', 'price_collar', 'age_ms', p_reference_age_ms,
        'quote_max_age_ms', v_age_ms_max);
    ELSIF abs(p_price - p_reference) > v_collar * p_reference THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'price_collar',
        'value', trim_scale(round(abs(p_price - p_reference) / p_reference, 8))::text,
        'allowed', p_spec ->> 'price_collar', 'price', trim_scale(p_price)::text,
        'reference_price', trim_scale(p_reference)::text, 'reference_age_ms', p_reference_age_ms);
    END IF;
  END IF;
  IF (p_spec ->> 'clock_skew_max_ms')::bigint < p_clock_skew_ms
    OR p_spec ? 'clock_skew_max_ms' AND p_clock_skew_ms IS NULL THEN
    RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'clock_skew_max_ms', 'value', p_clock_skew_ms,
      'allowed', p_spec -> 'clock_skew_max_ms');
  END IF;
  IF p_spec ? 'reconciliation_age_max_s' THEN
    SELECT extract(epoch FROM p_now - began_at) INTO v_age_s FROM engine.reconciliation_passes
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND profile_id IS NULL AND NOT dry_run
      AND outcome IN ('clean', 'healed', 'explained')
    ORDER BY pass_id DESC LIMIT 1;
    IF (v_age_s <= (p_spec ->> 'reconciliation_age_max_s')::bigint) IS NOT TRUE THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'reconciliation_age_max_s',
        'value', ceil(v_age_s)::bigint, 'allowed', p_spec -> 'reconciliation_age_max_s');
    END IF;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION engine.judge_moment(uuid, uuid, numeric, numeric, bigint, bigint, jsonb, timestamptz) IS
  'judges an entry by reference price, clock and reconciliation';
REVOKE ALL ON FUNCTION engine.judge_moment(uuid, uuid, numeric, numeric, bigint, bigint, jsonb, timestamptz)
  FROM PUBLIC;
