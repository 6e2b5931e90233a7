-- Begins a new epoch of a tenant's feed, after its history was changed from outside (a restored backup): every reader
-- must take a new snapshot. Numbers go on from where they are.
-- Locks and writes tenant_feed; writes one audit row.
-- Raises HF403 foreign tenant; HF404 no such tenant; HF422 no actor or reason.
CREATE OR REPLACE FUNCTION engine.fn_start_epoch(p_tenant_id uuid, p_actor text, p_reason text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_feed engine.tenant_feed;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_feed := engine.lock_feed(p_tenant_id);
  UPDATE engine.tenant_feed SET epoch = epoch + 1 WHERE tenant_id = p_tenant_id RETURNING * INTO v_feed;
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'start_epoch', NULL, jsonb_build_object('epoch', v_feed.epoch,
    'last_seq', v_feed.last_seq, 'reason', engine.checked_text(p_reason, 'reason')), engine.fn_clock());
  RETURN jsonb_build_object('epoch', v_feed.epoch, 'last_seq', v_feed.last_seq);
END
$$;
COMMENT ON FUNCTION engine.fn_start_epoch IS
  'Begins a new epoch of a tenant''s feed: {epoch, last_seq}.';
REVOKE ALL ON FUNCTION engine.fn_start_epoch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_start_epoch TO holdfast_engine;
