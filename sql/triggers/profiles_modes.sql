-- A new profile starts with the modes of its account and tenant.
CREATE OR REPLACE TRIGGER profiles_modes
  BEFORE INSERT ON engine.profiles
  FOR EACH ROW EXECUTE FUNCTION engine.copy_modes();
