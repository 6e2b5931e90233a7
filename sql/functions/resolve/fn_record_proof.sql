-- Keeps what the exchange was asked about an intent and what it answered: {verdict: present | nothing_shown |
-- no_evidence, began_at, ended_at, counts_from, actor, asked}. It changes no intent: presence is booked by what
-- books confirmations, absence by fn_resolve_absent. Accepted from anyone, as facts are.
-- Locks nothing. Writes proofs. Returns {code: OK, proof_id}.
-- Raises HF403 foreign tenant; HF404 no such order; HF422 another verdict, or a part is missing.
CREATE OR REPLACE FUNCTION engine.fn_record_proof(
    p_tenant_id uuid, p_intent_id uuid, p_lease_token bigint, p_proof jsonb
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_intent engine.intents;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_proof->>'verdict' IN ('present', 'nothing_shown', 'no_evidence')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'absence and an operator''s word are not recorded by themselves',
      jsonb_build_object('verdict', p_proof->>'verdict'));
  END IF;
  SELECT * INTO v_intent FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('order_id', p_intent_id));
  END IF;
  RETURN jsonb_build_object('code', 'OK', 'proof_id',
    engine.write_proof(v_intent, p_lease_token, p_proof->>'verdict', p_proof, v_now));
END
$$;
COMMENT ON FUNCTION engine.fn_record_proof IS
  'Keeps one look at the exchange for an intent, whole; changes no state.';
REVOKE ALL ON FUNCTION engine.fn_record_proof FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_record_proof TO holdfast_engine;
