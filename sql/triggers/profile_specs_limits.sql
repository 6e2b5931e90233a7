-- Whether a profile's newest spec has limits is kept on the profile.
CREATE OR REPLACE TRIGGER profile_specs_limits
  AFTER INSERT ON engine.profile_specs
  FOR EACH ROW EXECUTE FUNCTION engine.copy_modes();
