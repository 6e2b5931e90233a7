-- Says what is missing before an intent may be held for absent by this read, and NULL if nothing is. It takes two
-- complete reads that show nothing: both begun when no request could arrive any more, the second begun a gap after
-- the first had ended; an exchange that can be asked by client order id; and no proof of presence, ever.
-- Locks nothing, writes nothing. Raises HF422: no gap, or a moment that is earlier than the exchange's deadline.
CREATE OR REPLACE FUNCTION engine.judge_absence(p_intent engine.intents, p_proof jsonb)
RETURNS text
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_counts_from timestamptz := (p_proof->>'counts_from')::timestamptz;
  v_began_at    timestamptz := (p_proof->>'began_at')::timestamptz;
  v_gap         interval := make_interval(secs => (p_proof->>'read_gap_ms')::numeric::double precision / 1000);
BEGIN
  IF (v_gap > interval '0' AND v_counts_from > p_intent.exchange_deadline) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'absence needs a gap between two reads, both after the exchange''s deadline',
      jsonb_build_object('exchange_deadline', p_intent.exchange_deadline, 'counts_from', v_counts_from));
  END IF;
  IF EXISTS (SELECT FROM engine.proofs WHERE tenant_id = p_intent.tenant_id AND intent_id = p_intent.intent_id
             AND verdict = 'present') THEN
    RETURN 'CONTRADICTED';
  ELSIF v_began_at < v_counts_from
    OR (SELECT tier FROM engine.exchange_accounts
        WHERE tenant_id = p_intent.tenant_id AND account_id = p_intent.account_id) NOT IN ('A', 'B')
    OR NOT EXISTS (SELECT FROM engine.proofs WHERE tenant_id = p_intent.tenant_id
                   AND intent_id = p_intent.intent_id AND verdict = 'nothing_shown'
                   AND began_at >= v_counts_from AND ended_at + v_gap <= v_began_at) THEN
    RETURN 'NOT_PROVEN';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION engine.judge_absence IS
  'What is missing to hold an intent for absent: NULL, NOT_PROVEN or CONTRADICTED.';
REVOKE ALL ON FUNCTION engine.judge_absence FROM PUBLIC;
