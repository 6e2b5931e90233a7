-- Trigger: keeps on profiles what their account, tenant and spec have to say against an entry. Each column has one
-- source, so that changes of two sources at once never read each other. A new profile reads its account and tenant
-- under a lock: a mode that changes at the same moment comes before it, or finds it.
-- Locks a new profile's account and tenant (share), else profiles. Writes profiles. Raises nothing.
CREATE OR REPLACE FUNCTION engine.copy_modes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM set_config('holdfast.tenant_id', NEW.tenant_id::text, true);
  IF TG_TABLE_NAME = 'profiles' THEN
    SELECT mode = 'active' INTO STRICT NEW.account_active FROM engine.exchange_accounts
      WHERE tenant_id = NEW.tenant_id AND account_id = NEW.account_id FOR SHARE;
    SELECT mode = 'active' INTO STRICT NEW.tenant_active FROM engine.tenants
      WHERE tenant_id = NEW.tenant_id FOR SHARE;
  ELSIF TG_TABLE_NAME = 'exchange_accounts' THEN
    UPDATE engine.profiles SET account_active = NEW.mode = 'active'
      WHERE tenant_id = NEW.tenant_id AND account_id = NEW.account_id;
  ELSIF TG_TABLE_NAME = 'tenants' THEN
    UPDATE engine.profiles SET tenant_active = NEW.mode = 'active' WHERE tenant_id = NEW.tenant_id;
  ELSE
    UPDATE engine.profiles SET spec_is_empty = NEW.spec = '{}'
      WHERE tenant_id = NEW.tenant_id AND profile_id = NEW.profile_id;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION engine.copy_modes() IS 'trigger: what speaks against entries, beside their profile';
REVOKE ALL ON FUNCTION engine.copy_modes() FROM PUBLIC;
