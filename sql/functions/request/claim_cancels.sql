-- Claims the idempotency keys of an array of cancels, in the order of robots and keys; items without one, or of an order
-- that is not there, claim nothing. Gives one value per item in the array's order: NULL nothing to say,
-- {"replay": true} the key was used for this very cancel, {"code": "IDEMPOTENCY_KEY_REUSED"} for another request.
-- Locks: rows of request_keys. Writes request_keys. Raises nothing.
CREATE OR REPLACE FUNCTION engine.claim_cancels(p_tenant_id uuid, p_items jsonb, p_now timestamptz) RETURNS jsonb[]
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_claims jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(p_items)]);
  v_item   record;
BEGIN
  FOR v_item IN
    SELECT e.place, (e.item ->> 'robot_id')::uuid AS robot_id, e.item ->> 'idempotency_key' AS key,
      e.item ->> 'request_hash' AS request_hash
    FROM jsonb_array_elements(p_items) WITH ORDINALITY e(item, place)
    WHERE e.item ? 'idempotency_key' AND EXISTS (SELECT FROM engine.intents i
      WHERE i.tenant_id = p_tenant_id AND i.intent_id = (e.item ->> 'intent_id')::uuid)
    ORDER BY 2, 3, 1
  LOOP
    BEGIN
      IF engine.claim_request(p_tenant_id, v_item.robot_id, v_item.key, v_item.request_hash, p_now) IS NOT NULL THEN
        v_claims[v_item.place] := '{"replay": true}';
      END IF;
    EXCEPTION WHEN SQLSTATE 'HF414' THEN  -- one item's refusal must not undo the others
      v_claims[v_item.place] := '{"code": "IDEMPOTENCY_KEY_REUSED"}';
    END;
  END LOOP;
  RETURN v_claims;
END $$;
COMMENT ON FUNCTION engine.claim_cancels(uuid, jsonb, timestamptz) IS 'claims the keys of cancels';
REVOKE ALL ON FUNCTION engine.claim_cancels(uuid, jsonb, timestamptz) FROM PUBLIC;
