-- Reserves capital for entries whose intents are written, in one statement with the facts of it: for all of a profile's
-- or, if they do not fit together or the profile is not active, for none of them.
-- Locks and writes profile_capital rows in profile order; writes facts. Raises the tables' own errors.
-- Returns p_results, one an item, with those of what was opened. An item whose key has a denial is left out: see engine.store_denials.
CREATE OR REPLACE FUNCTION engine.reserve_plain_entries(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_results jsonb[], p_now timestamptz
) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
  v_items integer[];
  v_opened jsonb[];
BEGIN
  PERFORM FROM engine.profile_capital WHERE tenant_id = p_tenant_id
    AND profile_id = ANY (ARRAY(SELECT profile_id FROM unnest(p_plan)))
  ORDER BY profile_id FOR NO KEY UPDATE;
  WITH asked AS (
    SELECT d.item, d.profile_id, d.robot_id, d.intent_id, d.client_order_id, d.symbol, d.type, d.quantity,
      d.limit_price, d.label, d.expires_at, d.exchange_deadline, d.price_at, d.spec_version, d.fencing_token,
      d.required, sum(d.required) OVER each AS taken, row_number() OVER each AS place
    FROM unnest(p_plan) d
    LEFT JOIN LATERAL (SELECT key FROM engine.denials WHERE tenant_id = p_tenant_id AND robot_id = d.robot_id
      AND key = d.key LIMIT 1) k ON true
    WHERE k.key IS NULL
    WINDOW each AS (PARTITION BY d.profile_id ORDER BY d.item)
  ), held AS (
    UPDATE engine.profile_capital c SET available = c.available - s.taken,
      reserved_for_orders = c.reserved_for_orders + s.taken, version = c.version + s.entries, updated_at = p_now
    FROM (SELECT profile_id, max(taken) AS taken, count(*) AS entries FROM asked
          GROUP BY profile_id) s
    WHERE c.tenant_id = p_tenant_id AND c.profile_id = s.profile_id AND c.available >= s.taken AND c.mode = 'active'
    RETURNING c.profile_id, c.available + s.taken AS available, c.reserved_for_orders - s.taken AS reserved,
      c.version - s.entries AS version
  ), opened AS MATERIALIZED (
    SELECT a.*, h.available - a.taken AS left_available, h.reserved + a.taken AS now_reserved, h.version + a.place AS v
    FROM held h JOIN asked a USING (profile_id)
  ), told AS (
    INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, intent_id, recorded_at, type, payload, version,
      economic_type, idempotency_key, actor, spec_version, lines)
    SELECT p_tenant_id, nextval('engine.event_ids'), 0, profile_id, intent_id, p_now, 'entry.sending',
      engine.sending_payload(client_order_id, symbol, type, quantity, limit_price, required, label, robot_id, price_at),
      v, 'reserve', 'reserve:' || intent_id, 'robot:' || robot_id, spec_version,
      ARRAY[ROW('RESERVED_FOR_ORDERS', 'AVAILABLE', required, now_reserved, left_available)::engine.journal_line]
    FROM opened ORDER BY item)
  SELECT array_agg(item), array_agg(engine.opened_result(intent_id, client_order_id, fencing_token, expires_at,
    exchange_deadline, quantity, required, left_available, spec_version))
  INTO v_items, v_opened FROM opened;
  FOR v_place IN 1 .. coalesce(cardinality(v_items), 0) LOOP
    p_results[v_items[v_place]] := v_opened[v_place];
  END LOOP;
  RETURN p_results;
END $$;
COMMENT ON FUNCTION engine.reserve_plain_entries(uuid, engine.intent_plan[], jsonb[], timestamptz) IS
  'reserves capital for entries that are plainly fine';
REVOKE ALL ON FUNCTION engine.reserve_plain_entries(uuid, engine.intent_plan[], jsonb[], timestamptz) FROM PUBLIC;
