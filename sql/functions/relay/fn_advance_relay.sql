-- Records that the broker has confirmed a tenant's events up to a seq, and prolongs the claim, or gives it up with
-- p_ttl_ms NULL. The seq never goes back; failures are forgotten when it moves.
-- Locks and writes tenant_relay. Codes: OK {published_seq}, STALE_TOKEN.
-- Raises HF403 foreign tenant; HF422 ttl, or a seq that was never given.
CREATE OR REPLACE FUNCTION engine.fn_advance_relay(
    p_tenant_id uuid, p_token bigint, p_published_seq bigint, p_ttl_ms integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_relay engine.tenant_relay;
  v_moves boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_relay := engine.lock_relay(p_tenant_id, p_token);
  IF v_relay.tenant_id IS NULL THEN
    RETURN '{"code": "STALE_TOKEN"}';
  END IF;
  IF NOT EXISTS (SELECT FROM engine.tenant_feed WHERE tenant_id = p_tenant_id AND last_seq >= p_published_seq) THEN
    PERFORM engine.refuse('HF422', 'no event has this seq', jsonb_build_object('seq', p_published_seq));
  END IF;
  v_moves := p_published_seq > v_relay.published_seq;
  UPDATE engine.tenant_relay SET published_seq = greatest(published_seq, p_published_seq),
    failures = CASE WHEN v_moves THEN 0 ELSE failures END, retry_at = CASE WHEN v_moves THEN NULL ELSE retry_at END,
    owner = CASE WHEN p_ttl_ms IS NOT NULL THEN owner END,
    expires_at = CASE WHEN p_ttl_ms IS NOT NULL THEN engine.fn_clock() + engine.checked_ttl(p_ttl_ms) END
  WHERE tenant_id = p_tenant_id;
  RETURN jsonb_build_object('code', 'OK', 'published_seq', greatest(v_relay.published_seq, p_published_seq));
END
$$;
COMMENT ON FUNCTION engine.fn_advance_relay IS
  'Records what the broker has confirmed, and prolongs or ends the claim.';
REVOKE ALL ON FUNCTION engine.fn_advance_relay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_advance_relay TO holdfast_engine;
