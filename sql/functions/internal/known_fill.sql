-- The answer to a fill that is booked already. What was booked stays; if the exchange now says another price,
-- quantity or fee of the same trade, the answer names what was kept, so that the caller can show the difference.
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.known_fill(p_fill engine.fills, p_item jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('code', 'DUPLICATE', 'event_id', p_fill.event_id) || CASE
    WHEN p_fill.inferred OR (
      (engine.plain_number(p_item ->> 'price') IS NOT DISTINCT FROM p_fill.price)
      AND (engine.plain_number(p_item ->> 'quantity') IS NOT DISTINCT FROM p_fill.quantity)
      -- a report without a fee has not said it yet
      AND (p_item ->> 'fee_asset' IS NULL OR (p_fill.fee_asset, trim_scale(p_fill.fee_quantity)::text)
        IS NOT DISTINCT FROM (p_item ->> 'fee_asset', trim_scale((p_item ->> 'fee_quantity')::numeric)::text)))
    THEN '{}' ELSE jsonb_build_object('kept', jsonb_build_object(
      'price', trim_scale(p_fill.price)::text, 'quantity', trim_scale(p_fill.quantity)::text,
      'fee_asset', p_fill.fee_asset, 'fee_quantity', trim_scale(p_fill.fee_quantity)::text)) END
$$;
COMMENT ON FUNCTION engine.known_fill(engine.fills, jsonb) IS 'the answer to a fill that is booked already';
REVOKE ALL ON FUNCTION engine.known_fill(engine.fills, jsonb) FROM PUBLIC;
