-- An intent holds its own idempotency key: opening an order writes one row and asks one table where it wrote two and
-- asked two, and a replay finds intent and key in one. What was denied for good has no intent, so its key stays in the
-- table that was idempotency_keys and now holds denials alone.
-- Who stores a denial claims the key among the intents first (engine.store_denials); who writes an intent looks for a
-- denial afterwards. So of two calls with one key the second always meets what the first has left.
ALTER TABLE engine.intents
  ADD COLUMN idempotency_key engine.idempotency_key,
  ADD COLUMN request_hash    text;
COMMENT ON COLUMN engine.intents.idempotency_key IS
  'the robot''s own key; of an order that an operator assigned its intent''s id';
COMMENT ON COLUMN engine.intents.request_hash IS 'of the request that came with the key';

ALTER TABLE engine.intents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.idempotency_keys NO FORCE ROW LEVEL SECURITY;
UPDATE engine.intents i SET idempotency_key = k.key, request_hash = k.request_hash
FROM engine.idempotency_keys k
WHERE k.tenant_id = i.tenant_id AND k.intent_id = i.intent_id AND k.denial IS NULL;
UPDATE engine.intents SET idempotency_key = intent_id, request_hash = '' WHERE idempotency_key IS NULL;
DELETE FROM engine.idempotency_keys WHERE denial IS NULL;
ALTER TABLE engine.intents FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.idempotency_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE engine.intents ALTER COLUMN idempotency_key SET NOT NULL, ALTER COLUMN request_hash SET NOT NULL;
CREATE UNIQUE INDEX intents_by_key ON engine.intents (tenant_id, robot_id, idempotency_key);

DROP POLICY IF EXISTS idempotency_keys_owner ON engine.idempotency_keys;
DROP POLICY IF EXISTS idempotency_keys_tenant ON engine.idempotency_keys;
ALTER TABLE engine.idempotency_keys RENAME TO denials;
ALTER TABLE engine.denials RENAME CONSTRAINT idempotency_keys_pkey TO denials_pkey;
ALTER TABLE engine.denials DROP COLUMN intent_id;
ALTER TABLE engine.denials ALTER COLUMN denial SET NOT NULL;
COMMENT ON TABLE engine.denials IS
  'requests denied by capital, limits or modes, with the key that gets the same answer again';
