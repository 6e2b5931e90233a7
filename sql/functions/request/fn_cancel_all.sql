-- Records that every unfinished order of a tenant shall be canceled, or those of a profile, symbol or robot: claims
-- the key and keeps which orders those were, in one transaction. A repeat speaks of the same orders, not of later ones.
-- p_filter: profile_id, symbol, robot_id, all optional.
-- Locks: the key's row, then intents by id. Writes request_keys, intents, outbox.
-- Gives {replay, orders: [{id, kind, profile_id} and what fn_request_cancel says of it]}, by id.
-- Raises HF403 foreign tenant; HF404 no such profile; HF413 no key; HF414 key of another request.
CREATE OR REPLACE FUNCTION engine.fn_cancel_all(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text, p_filter jsonb, p_actor text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET jit = off  -- what is not finished is few
AS $$
DECLARE
  v_profile_id uuid := p_filter ->> 'profile_id';
  v_kept   jsonb;
  v_ids    uuid[];
  v_batch  uuid[];
  v_orders jsonb := '[]';
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_kept := engine.claim_request(p_tenant_id, p_robot_id, p_key, p_request_hash, engine.fn_clock());
  IF v_kept IS NOT NULL THEN
    v_ids := ARRAY(SELECT jsonb_array_elements_text(v_kept -> 'ids'));
  ELSE
    IF v_profile_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = v_profile_id) THEN
      PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', v_profile_id));
    END IF;
    v_ids := ARRAY(SELECT engine.live_intents(p_tenant_id));
    v_ids := ARRAY(
      SELECT i.intent_id FROM engine.intents i
      WHERE i.tenant_id = p_tenant_id AND i.intent_id = ANY (v_ids)
        AND (v_profile_id IS NULL OR i.profile_id = v_profile_id)
        AND (p_filter ->> 'symbol' IS NULL OR i.symbol = p_filter ->> 'symbol')
        AND (p_filter ->> 'robot_id' IS NULL OR i.robot_id = (p_filter ->> 'robot_id')::uuid)
      ORDER BY i.intent_id);
    PERFORM engine.keep_answer(p_tenant_id, p_robot_id, p_key, jsonb_build_object('ids', to_jsonb(v_ids)));
  END IF;
  FOR v_start IN 1 .. cardinality(v_ids) BY 512 LOOP  -- as many as one call of fn_request_cancel takes
    v_batch := v_ids[v_start : v_start + 511];
    v_orders := v_orders || (
      SELECT jsonb_agg(r.result || jsonb_build_object('id', i.intent_id, 'kind', i.kind, 'profile_id', i.profile_id)
        ORDER BY i.intent_id)
      FROM jsonb_array_elements(engine.fn_request_cancel(p_tenant_id, (
          SELECT jsonb_agg(jsonb_build_object('intent_id', b.id, 'actor', p_actor) ORDER BY b.place)
          FROM unnest(v_batch) WITH ORDINALITY b(id, place)))) WITH ORDINALITY r(result, place)
      JOIN engine.intents i ON i.tenant_id = p_tenant_id AND i.intent_id = ANY (v_batch)
        AND i.intent_id = v_batch[r.place]);
  END LOOP;
  RETURN jsonb_build_object('replay', v_kept IS NOT NULL, 'orders', v_orders);
END $$;
COMMENT ON FUNCTION engine.fn_cancel_all(uuid, uuid, text, text, jsonb, text) IS
  'records that all unfinished orders shall be canceled, under an idempotency key';
REVOKE ALL ON FUNCTION engine.fn_cancel_all(uuid, uuid, text, text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_cancel_all(uuid, uuid, text, text, jsonb, text) TO holdfast_engine;
