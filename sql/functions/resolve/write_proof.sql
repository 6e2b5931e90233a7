-- Keeps one look at the exchange for an intent, whole: when it began and ended by the exchange's clock, from when
-- such a look would count, each question with its answer. Rows are never changed.
-- Locks nothing. Writes proofs. Returns its id. Raises HF422: no object, an actor or a time is missing.
CREATE OR REPLACE FUNCTION engine.write_proof(
    p_intent engine.intents, p_lease_token bigint, p_verdict text, p_proof jsonb, p_now timestamptz
)
RETURNS bigint
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_proof_id bigint := nextval('engine.event_ids');
BEGIN
  IF (p_proof->>'began_at' IS NOT NULL AND p_proof->>'ended_at' IS NOT NULL
      AND jsonb_typeof(p_proof->'asked') IN ('array', 'object')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'a proof says when it began and ended, and what was asked');
  END IF;
  INSERT INTO engine.proofs (tenant_id, proof_id, intent_id, account_id, verdict, began_at, ended_at, counts_from,
                             fencing_token, actor, asked, recorded_at)
  VALUES (p_intent.tenant_id, v_proof_id, p_intent.intent_id, p_intent.account_id, p_verdict,
          (p_proof->>'began_at')::timestamptz, (p_proof->>'ended_at')::timestamptz,
          (p_proof->>'counts_from')::timestamptz, p_lease_token,
          engine.checked_text(p_proof->>'actor', 'actor'), p_proof->'asked', p_now);
  RETURN v_proof_id;
END
$$;
COMMENT ON FUNCTION engine.write_proof IS
  'Appends one proof.';
REVOKE ALL ON FUNCTION engine.write_proof FROM PUBLIC;
