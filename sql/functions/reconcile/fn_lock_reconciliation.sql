-- Gives a pass the reconciliation locks of an account's profiles, in one transaction: of each that is free or has
-- expired. Answers for each profile, in the order given: {code: OK, fencing_token, expires_at}, or {code: HELD,
-- expires_at}. The same holder gets its token again while the lock lives. A lock taken under an older lease is free:
-- its holder may not act for this account any more.
-- Locks the lease row FOR SHARE and the locks' rows, by profile. Writes reconciliation_locks.
-- Raises HF403 foreign tenant; HF404 no such profile of the account; HF410 the account's lease is not held; HF422 ttl
-- out of bounds.
CREATE OR REPLACE FUNCTION engine.fn_lock_reconciliation(
    p_tenant_id uuid, p_account_id uuid, p_profile_ids uuid[], p_holder uuid, p_lease_token bigint, p_ttl_ms integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- few rows by their keys: a plan made while a table was empty must not become a scan of it
SET enable_seqscan = off
AS $$
DECLARE
  v_ttl    interval := engine.checked_ttl(p_ttl_ms);
  v_now    timestamptz := engine.fn_clock();
  v_wrong  uuid;
  v_before engine.reconciliation_locks[];
  v_answer jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT n INTO v_wrong FROM unnest(p_profile_ids) n WHERE NOT EXISTS (SELECT FROM engine.profiles p
    WHERE p.tenant_id = p_tenant_id AND p.profile_id = n AND p.account_id = p_account_id) LIMIT 1;
  IF FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', v_wrong));
  END IF;
  PERFORM engine.require_lease(p_tenant_id, p_account_id, p_lease_token, v_now);
  INSERT INTO engine.reconciliation_locks (tenant_id, profile_id, fencing_token)
    SELECT p_tenant_id, n, 0 FROM unnest(p_profile_ids) n ORDER BY n ON CONFLICT DO NOTHING;
  v_before := ARRAY(SELECT k FROM engine.reconciliation_locks k WHERE k.tenant_id = p_tenant_id
    AND k.profile_id = ANY (p_profile_ids) ORDER BY k.profile_id FOR NO KEY UPDATE);
  v_now := engine.fn_clock();  -- after the wait for the rows: what was live before it may have expired
  WITH before AS MATERIALIZED (
    SELECT k.profile_id, k.holder, k.expires_at,
      coalesce(k.expires_at > v_now AND k.lease_token = p_lease_token, false) AS live
    FROM unnest(v_before) k
  ), taken AS (
    UPDATE engine.reconciliation_locks k SET holder = p_holder, expires_at = v_now + v_ttl,
      lease_token = p_lease_token,
      fencing_token = CASE WHEN b.live THEN k.fencing_token ELSE nextval('engine.fencing_tokens') END
    FROM before b
    WHERE k.tenant_id = p_tenant_id AND k.profile_id = b.profile_id
      AND NOT (b.live AND b.holder IS DISTINCT FROM p_holder)
    RETURNING k.profile_id, k.fencing_token, k.expires_at
  )
  SELECT coalesce(jsonb_agg(CASE WHEN t.profile_id IS NULL
      THEN jsonb_build_object('code', 'HELD', 'expires_at', b.expires_at)
      ELSE jsonb_build_object('code', 'OK', 'fencing_token', t.fencing_token, 'expires_at', t.expires_at) END
    ORDER BY n.place), '[]') INTO v_answer
  FROM unnest(p_profile_ids) WITH ORDINALITY AS n (profile_id, place)
  JOIN before b ON b.profile_id = n.profile_id
  LEFT JOIN taken t ON t.profile_id = n.profile_id;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION engine.fn_lock_reconciliation IS
  'Gives the reconciliation locks of profiles to one pass at a time.';
REVOKE ALL ON FUNCTION engine.fn_lock_reconciliation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_lock_reconciliation TO holdfast_engine;
