-- Claims the idempotency key of a call that places no order, in the transaction of its effect: who comes second waits
-- for the first one's commit, and reads what it kept. Takes away a few keys of this tenant that are older than a day.
-- Locks: the key's row. Writes request_keys. NULL: the key is new and now this transaction's.
-- Raises HF413 no key; HF414 the key was used for another request; 40001 it comes and goes, ask again.
CREATE OR REPLACE FUNCTION engine.claim_request(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text, p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_known engine.request_keys;
BEGIN
  IF p_key IS NULL OR p_robot_id IS NULL OR p_request_hash IS NULL THEN
    PERFORM engine.refuse('HF413', 'an idempotency key, its robot and the request''s hash are required');
  END IF;
  FOR v_try IN 1 .. 3 LOOP
    INSERT INTO engine.request_keys (tenant_id, robot_id, key, request_hash, created_at)
    VALUES (p_tenant_id, p_robot_id, p_key, p_request_hash, p_now) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      PERFORM engine.prune_requests(p_tenant_id, p_now);
      RETURN NULL;
    END IF;
    SELECT * INTO v_known FROM engine.request_keys
    WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id AND key = p_key;
    CONTINUE WHEN NOT FOUND;  -- it was a day old and has just been taken away
    IF v_known.request_hash <> p_request_hash THEN
      PERFORM engine.refuse('HF414', 'this key was used for another request');
    END IF;
    RETURN coalesce(v_known.answer, '{}');
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'the key was taken away three times while it was read';
END $$;
COMMENT ON FUNCTION engine.claim_request(uuid, uuid, text, text, timestamptz) IS
  'claims a key, or gives what was kept under it';
REVOKE ALL ON FUNCTION engine.claim_request(uuid, uuid, text, text, timestamptz) FROM PUBLIC;
