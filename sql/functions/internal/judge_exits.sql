-- Judges what is still open by what can be sold, greedily in the array's order; "all" becomes what whole lots can sell
-- of what no other exit has reserved. An item whose key was used while it waited, or by an earlier item, takes nothing:
-- it becomes the marker REPLAY.
-- Locks: positions rows in (profile, symbol) order, which engine.reserve_for_exits writes. Raises nothing.
CREATE OR REPLACE FUNCTION engine.judge_exits(p_tenant_id uuid, p_plan engine.intent_plan[])
RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_keys text[];
  v_position engine.positions;
  v_positions engine.positions[];
  v_rule record;
  v_sellable numeric;
  v_wanted numeric;
BEGIN
  FOR v_position IN
    SELECT * FROM engine.positions
    WHERE tenant_id = p_tenant_id
      AND profile_id = ANY (ARRAY(SELECT d.profile_id FROM unnest(p_plan) d WHERE d.result IS NULL))
      AND (profile_id, symbol) IN (SELECT d.profile_id, d.symbol FROM unnest(p_plan) d WHERE d.result IS NULL)
    ORDER BY profile_id, symbol FOR NO KEY UPDATE
  LOOP
    v_keys := v_keys || (v_position.profile_id || v_position.symbol);
    v_positions := v_positions || v_position;
  END LOOP;
  FOR v_rule IN
    SELECT d.item, array_position(v_keys, d.profile_id || d.symbol) AS place, u.lot_size, u.min_quantity,
      u.max_quantity, u.min_notional, d.turn > 1 OR k.intent_id IS NOT NULL AS used
    FROM (SELECT *, row_number() OVER (PARTITION BY robot_id, key ORDER BY item) AS turn
          FROM unnest(p_plan) WHERE result IS NULL) d
    JOIN engine.instruments u
      ON u.tenant_id = p_tenant_id AND u.account_id = d.account_id AND u.symbol = d.symbol
    LEFT JOIN LATERAL (SELECT intent_id FROM engine.intents WHERE tenant_id = p_tenant_id
      AND robot_id = d.robot_id AND idempotency_key = d.key LIMIT 1) k ON true
    ORDER BY d.item
  LOOP
    v_position := v_positions[v_rule.place];
    v_sellable := coalesce(v_position.quantity - v_position.reserved_quantity, 0);
    v_sellable := greatest(v_sellable - v_sellable % v_rule.lot_size, 0);
    v_wanted := coalesce(p_plan[v_rule.item].quantity, least(v_sellable, v_rule.max_quantity));
    IF v_rule.used THEN
      p_plan[v_rule.item].result := '{"code": "REPLAY"}';
    ELSIF v_wanted = 0 OR v_wanted > v_sellable OR v_wanted < v_rule.min_quantity THEN
      p_plan[v_rule.item].result := jsonb_build_object('code', 'INSUFFICIENT_POSITION',
        'sellable', trim_scale(v_sellable)::text, 'held', trim_scale(coalesce(v_position.quantity, 0))::text,
        'in_exits', trim_scale(coalesce(v_position.reserved_quantity, 0))::text);
    ELSIF v_wanted * coalesce(p_plan[v_rule.item].limit_price, v_position.last_fill_price) < v_rule.min_notional THEN
      p_plan[v_rule.item].result := jsonb_build_object('code', 'BELOW_MIN_NOTIONAL',
        'sellable', trim_scale(v_sellable)::text, 'min_notional', trim_scale(v_rule.min_notional)::text);
    END IF;
    CONTINUE WHEN p_plan[v_rule.item].result IS NOT NULL;
    v_position.reserved_quantity := v_position.reserved_quantity + v_wanted;
    v_positions[v_rule.place] := v_position;
    p_plan[v_rule.item].quantity := v_wanted;
    p_plan[v_rule.item].required := v_wanted;
    p_plan[v_rule.item].event_id := nextval('engine.event_ids');
  END LOOP;
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.judge_exits(uuid, engine.intent_plan[]) IS 'judges exits by what can be sold';
REVOKE ALL ON FUNCTION engine.judge_exits(uuid, engine.intent_plan[]) FROM PUBLIC;
