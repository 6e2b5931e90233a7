-- Reads everything that happened to an order, in the order it became a fact: each item is one event id with its
-- outbox row, its economic event with both legs of every line, its fill, and the proof that was kept under that id,
-- where there is one. Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such order.
CREATE OR REPLACE FUNCTION engine.fn_order_timeline(p_tenant_id uuid, p_intent_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF NOT EXISTS (SELECT FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id) THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('order_id', p_intent_id));
  END IF;
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
      'event_id', x.event_id, 'at', coalesce(o.recorded_at, e.recorded_at, p.recorded_at),
      'type', coalesce(o.type, e.type, 'proof.' || p.verdict), 'payload', coalesce(o.payload, '{}'), 'seq', o.seq,
      'event', CASE WHEN e.event_id IS NOT NULL THEN jsonb_build_object('type', e.type, 'version', e.version,
        'idempotency_key', e.idempotency_key, 'actor', e.actor, 'cause', e.cause, 'rate_source', e.rate_source,
        'spec_version', e.spec_version, 'exchange_time', e.exchange_time, 'recorded_at', e.recorded_at) END,
      'entries', (SELECT coalesce(jsonb_agg(jsonb_build_object('type', l.type, 'account', l.account,
          'amount', trim_scale(l.amount)::text, 'balance', trim_scale(l.balance)::text)
          ORDER BY l.line, l.type DESC), '[]')
        FROM engine.ledger_entries l WHERE l.tenant_id = p_tenant_id AND l.event_id = x.event_id),
      'fill', (SELECT engine.fill_view(f) FROM engine.fills f
        WHERE f.tenant_id = p_tenant_id AND f.intent_id = p_intent_id AND f.event_id = x.event_id LIMIT 1),
      'proof', CASE WHEN p.proof_id IS NOT NULL THEN jsonb_build_object('verdict', p.verdict,
        'began_at', p.began_at, 'ended_at', p.ended_at, 'counts_from', p.counts_from, 'actor', p.actor,
        'lease_token', p.fencing_token, 'asked', p.asked) END)
      ORDER BY x.event_id), '[]')
    FROM (
      SELECT event_id FROM engine.outbox WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id
      UNION
      SELECT event_id FROM engine.fills WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id
      UNION
      SELECT proof_id FROM engine.proofs WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id
      UNION
      SELECT event_id FROM engine.economic_events
      WHERE tenant_id = p_tenant_id AND idempotency_key IN ('reserve:' || p_intent_id, 'release:' || p_intent_id)) x
    LEFT JOIN engine.outbox o ON o.tenant_id = p_tenant_id AND o.event_id = x.event_id
    LEFT JOIN engine.economic_events e ON e.tenant_id = p_tenant_id AND e.event_id = x.event_id
    LEFT JOIN engine.proofs p ON p.tenant_id = p_tenant_id AND p.proof_id = x.event_id);
END
$$;
COMMENT ON FUNCTION engine.fn_order_timeline IS
  'An order''s events: [{event_id, at, type, payload, seq, event, entries, fill, proof}].';
REVOKE ALL ON FUNCTION engine.fn_order_timeline FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_order_timeline TO holdfast_engine, holdfast_operator, holdfast_reader;
