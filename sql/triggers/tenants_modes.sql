-- A tenant's mode is copied to its profiles.
CREATE OR REPLACE TRIGGER tenants_modes
  AFTER UPDATE OF mode ON engine.tenants
  FOR EACH ROW EXECUTE FUNCTION engine.copy_modes();
