-- Profiles with their modes and the asset they count in.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.profiles WITH (security_invoker = true) AS
SELECT p.tenant_id, p.profile_id, p.account_id, p.name, p.quote_asset, p.spec_version, c.mode, c.mode_reason, p.created_at
FROM engine.profiles p
JOIN engine.profile_capital c USING (tenant_id, profile_id);
COMMENT ON VIEW holdfast_api.profiles IS 'profiles with their modes and the asset they count in';
REVOKE ALL ON holdfast_api.profiles FROM PUBLIC;
GRANT SELECT ON holdfast_api.profiles TO holdfast_reader;
