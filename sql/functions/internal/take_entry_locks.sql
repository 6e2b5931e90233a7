-- Takes the entry locks of what is still open: one entry per profile and symbol, whoever asks first.
-- Locks: entry_locks rows in (profile, symbol) order; a new row waits for a concurrent one of the same key.
-- Writes entry_locks, and undoes the claims of items that found their lock held. A held lock is never taken
-- over, expired or not: expiry means "look at the exchange". Raises nothing.
CREATE OR REPLACE FUNCTION engine.take_entry_locks(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_now timestamptz
) RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_taken uuid[];
  v_lost integer[];
  v_lock record;
BEGIN
  WITH taken AS (
    INSERT INTO engine.entry_locks AS l (tenant_id, profile_id, symbol, intent_id, owner, fencing_token,
      acquired_at, expires_at)
    SELECT DISTINCT ON (profile_id, symbol) p_tenant_id, profile_id, symbol, intent_id, owner, fencing_token,
      p_now, expires_at
    FROM unnest(p_plan) WHERE result IS NULL
    ORDER BY profile_id, symbol, item
    ON CONFLICT (tenant_id, profile_id, symbol) DO UPDATE SET intent_id = EXCLUDED.intent_id,
      owner = EXCLUDED.owner, fencing_token = EXCLUDED.fencing_token, acquired_at = EXCLUDED.acquired_at,
      expires_at = EXCLUDED.expires_at
      WHERE l.intent_id IS NULL
    RETURNING intent_id)
  SELECT array_agg(intent_id) INTO v_taken FROM taken;
  SELECT array_agg(item) INTO v_lost FROM unnest(p_plan)
  WHERE result IS NULL AND intent_id <> ALL (coalesce(v_taken, '{}'));
  IF v_lost IS NULL THEN
    RETURN p_plan;
  END IF;
  FOR v_lock IN
    SELECT d.item, l.intent_id, l.expires_at FROM unnest(p_plan) d
    LEFT JOIN engine.entry_locks l
      ON l.tenant_id = p_tenant_id AND l.profile_id = d.profile_id AND l.symbol = d.symbol
    WHERE d.item = ANY (v_lost)
  LOOP
    p_plan[v_lock.item].result := engine.entry_locked_by(p_tenant_id, v_lock.intent_id, v_lock.expires_at);
  END LOOP;
  PERFORM engine.undo_claims(p_tenant_id, p_plan, v_lost, 'entry', p_now);
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.take_entry_locks(uuid, engine.intent_plan[], timestamptz) IS 'takes entry locks';
REVOKE ALL ON FUNCTION engine.take_entry_locks(uuid, engine.intent_plan[], timestamptz) FROM PUBLIC;
