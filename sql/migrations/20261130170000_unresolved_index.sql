-- The index of all unresolved intents serves those who look for work, over all tenants. Its predicate was implied by
-- every look for one unresolved intent as well, and while its statistics said that it is empty, as they do whenever
-- nothing was in flight when they were taken, to read all of it looked cheaper than a probe of another index: each
-- look for an entry lock read every unresolved intent there was, and every one that had been since the last vacuum.
-- A CASE is implied by nothing but itself.
DROP INDEX engine.intents_unresolved;
CREATE INDEX intents_unresolved ON engine.intents (expires_at)
  WHERE CASE WHEN state IN ('sending', 'in_doubt', 'needs_operator') THEN true END;
