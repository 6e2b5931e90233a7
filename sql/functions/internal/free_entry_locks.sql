-- Frees the entry locks that point at these intents; a lock that points elsewhere is left alone.
-- Locks: entry_locks sorted by profile and symbol, because openers of arrays take them in that order.
-- Writes entry_locks. Raises nothing.
CREATE OR REPLACE FUNCTION engine.free_entry_locks(p_tenant_id uuid, p_intents uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(p_intents) > 1 THEN
    PERFORM FROM engine.entry_locks l JOIN engine.intents i USING (tenant_id, profile_id, symbol)
    WHERE i.tenant_id = p_tenant_id AND i.intent_id = ANY (p_intents) AND l.intent_id = i.intent_id
    ORDER BY l.profile_id, l.symbol FOR NO KEY UPDATE OF l;
  END IF;
  UPDATE engine.entry_locks l SET intent_id = NULL, owner = NULL, acquired_at = NULL, expires_at = NULL
  FROM engine.intents i
  WHERE i.tenant_id = p_tenant_id AND i.intent_id = ANY (p_intents) AND i.kind = 'entry'
    AND l.tenant_id = p_tenant_id AND l.profile_id = i.profile_id AND l.symbol = i.symbol
    AND l.intent_id = i.intent_id;
END $$;
COMMENT ON FUNCTION engine.free_entry_locks(uuid, uuid[]) IS 'frees the entry locks of intents';
REVOKE ALL ON FUNCTION engine.free_entry_locks(uuid, uuid[]) FROM PUBLIC;
