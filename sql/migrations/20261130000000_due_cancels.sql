-- Orders whose cancel was asked for and that still hold something: without it each look for due cancels read every
-- intent there ever was.
CREATE INDEX intents_to_cancel ON engine.intents (cancel_requested_at)
  WHERE cancel_requested_at IS NOT NULL AND released_at IS NULL AND state = 'confirmed';
GRANT SELECT (released_at) ON engine.intents TO holdfast_scheduler;
