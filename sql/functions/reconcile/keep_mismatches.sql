-- Writes what a pass found: one that stands already is counted and takes its new outcome, another is a new row; what
-- is healed has ended at once. So has what only happened, once it is explained (a foreign fill, a transfer, a trade
-- told differently): seen again it is counted, not written again. Gives the number of new rows and changed outcomes.
-- Locks and writes mismatches. Raises HF422: no such outcome.
CREATE OR REPLACE FUNCTION engine.keep_mismatches(p_pass engine.reconciliation_passes, p_found jsonb, p_now timestamptz)
RETURNS integer
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_events  constant text[] := '{foreign_fill,foreign_fill_returned,transfer,fill_differs}';
  v_wrong   text;
  v_changed integer;
BEGIN
  SELECT coalesce(f ->> 'outcome', 'none') INTO v_wrong FROM jsonb_array_elements(coalesce(p_found, '[]')) f
    WHERE (f ->> 'outcome' IN ('healed', 'explained', 'open')) IS NOT TRUE LIMIT 1;
  IF FOUND THEN
    PERFORM engine.refuse('HF422', 'a mismatch is healed, explained or open', jsonb_build_object('outcome', v_wrong));
  END IF;
  WITH found AS MATERIALIZED (
    SELECT DISTINCT ON (f.kind, f.key) f.*,
      CASE WHEN f.outcome = 'healed' OR f.outcome = 'explained' AND f.kind = ANY (v_events) THEN p_now END AS ended_at
    FROM jsonb_to_recordset(coalesce(p_found, '[]')) AS f (kind text, key text,
      profile_id uuid, intent_id uuid, detail jsonb, cause text, outcome text)
    ORDER BY f.kind, f.key, f.outcome DESC  -- seen twice: open counts before healed and explained
  ), before AS MATERIALIZED (
    SELECT m.mismatch_id, m.state, f.*
    FROM found f, LATERAL (SELECT m.mismatch_id, m.state FROM engine.mismatches m
      WHERE m.tenant_id = p_pass.tenant_id AND m.account_id = p_pass.account_id AND m.key = f.key AND m.kind = f.kind
        AND (m.ended_at IS NULL OR m.state = 'explained' AND f.outcome = 'explained' AND f.kind = ANY (v_events))
      ORDER BY m.mismatch_id DESC LIMIT 1) m
  ), again AS (
    UPDATE engine.mismatches m SET last_pass_id = p_pass.pass_id, last_seen_at = p_now, passes = m.passes + 1,
      state = b.outcome, cause = coalesce(b.cause, m.cause), detail = coalesce(b.detail, m.detail),
      ended_at = b.ended_at
    FROM before b WHERE m.tenant_id = p_pass.tenant_id AND m.mismatch_id = b.mismatch_id
  ), made AS (
    INSERT INTO engine.mismatches (tenant_id, mismatch_id, account_id, profile_id, intent_id, kind, key, state,
      first_pass_id, last_pass_id, passes, cause, detail, first_seen_at, last_seen_at, ended_at)
    SELECT p_pass.tenant_id, nextval('engine.event_ids'), p_pass.account_id, f.profile_id, f.intent_id, f.kind, f.key,
      f.outcome, p_pass.pass_id, p_pass.pass_id, 1, f.cause, coalesce(f.detail, '{}'), p_now, p_now,
      f.ended_at
    FROM found f WHERE NOT EXISTS (SELECT FROM before b WHERE b.kind = f.kind AND b.key = f.key)
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM made) + (SELECT count(*) FROM before b WHERE b.state <> b.outcome) INTO v_changed;
  RETURN v_changed;
END
$$;
COMMENT ON FUNCTION engine.keep_mismatches IS
  'Writes the mismatches that a pass found; gives how many are news.';
REVOKE ALL ON FUNCTION engine.keep_mismatches FROM PUBLIC;
