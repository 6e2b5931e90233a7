-- Claims a tenant's publication for a process for some time, with a new token if it held none; and tells what to
-- publish: from which seq on, and dead letters that an operator wants to be published again (20 at most).
-- Locks tenant_relay FOR NO KEY UPDATE; writes it, making the row first if there is none.
-- Codes: OK {token, published_seq, failures, retries}, HELD. Raises HF403 foreign tenant; HF404; HF422 ttl.
CREATE OR REPLACE FUNCTION engine.fn_claim_relay(p_tenant_id uuid, p_owner uuid, p_ttl_ms integer)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_ttl interval := engine.checked_ttl(p_ttl_ms);
  v_relay engine.tenant_relay;
  v_now timestamptz;
  v_live boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_owner IS NULL THEN
    PERFORM engine.refuse('HF422', 'a claim has an owner');
  END IF;
  PERFORM engine.require_tenant(p_tenant_id);
  INSERT INTO engine.tenant_relay (tenant_id) VALUES (p_tenant_id) ON CONFLICT DO NOTHING;
  SELECT * INTO v_relay FROM engine.tenant_relay WHERE tenant_id = p_tenant_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();  -- after the wait for the lock: what was live before it may have expired
  v_live := coalesce(v_relay.expires_at > v_now, false);
  IF v_live AND v_relay.owner <> p_owner THEN
    RETURN '{"code": "HELD"}';
  END IF;
  UPDATE engine.tenant_relay SET owner = p_owner, expires_at = v_now + v_ttl,
    claim_token = CASE WHEN v_live THEN claim_token ELSE nextval('engine.fencing_tokens') END
  WHERE tenant_id = p_tenant_id RETURNING * INTO v_relay;
  RETURN jsonb_build_object('code', 'OK', 'token', v_relay.claim_token, 'published_seq', v_relay.published_seq,
    'failures', v_relay.failures, 'retries', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('dead_letter_id', q.dead_letter_id, 'payload', q.payload)
        ORDER BY q.requested_at), '[]')
      FROM (SELECT r.dead_letter_id, r.requested_at, d.payload FROM engine.relay_retries r
            JOIN engine.dead_letters d USING (tenant_id, dead_letter_id)
            WHERE r.tenant_id = p_tenant_id ORDER BY r.requested_at LIMIT 20) q));
END
$$;
COMMENT ON FUNCTION engine.fn_claim_relay IS
  'Claims the publication of a tenant''s events for a process.';
REVOKE ALL ON FUNCTION engine.fn_claim_relay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_claim_relay TO holdfast_engine;
