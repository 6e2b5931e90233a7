-- What a lone entry is judged by lies beside its profile: whether the mode of its account or tenant, or a limit of its
-- spec, has anything to say. Triggers keep all three; false only means that the rest has to be read.
ALTER TABLE engine.profiles
  ADD COLUMN account_active boolean NOT NULL DEFAULT false,
  ADD COLUMN tenant_active  boolean NOT NULL DEFAULT false,
  ADD COLUMN spec_is_empty  boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN engine.profiles.account_active IS 'its account''s mode is active; kept by triggers';
COMMENT ON COLUMN engine.profiles.tenant_active IS 'its tenant''s mode is active; kept by triggers';
COMMENT ON COLUMN engine.profiles.spec_is_empty IS 'its current spec has no limits; kept by a trigger of profile_specs';

ALTER TABLE engine.profiles NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.profile_specs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.exchange_accounts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.tenants NO FORCE ROW LEVEL SECURITY;
UPDATE engine.profiles p SET account_active = a.mode = 'active', tenant_active = t.mode = 'active',
  spec_is_empty = s.spec = '{}'
FROM engine.exchange_accounts a, engine.tenants t, engine.profile_specs s
WHERE a.tenant_id = p.tenant_id AND a.account_id = p.account_id AND t.tenant_id = p.tenant_id
  AND s.tenant_id = p.tenant_id AND s.profile_id = p.profile_id AND s.version = p.spec_version;
ALTER TABLE engine.profiles FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.profile_specs FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.exchange_accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.tenants FORCE ROW LEVEL SECURITY;
