-- Roles belong to the whole cluster: each name is prefixed, and this file is run again at every deploy, in a
-- transaction of its own. It changes only what is wrong, so that deploys of other databases do not collide with it.
-- Raises 42501 if something is missing that the deploying login may not make.
DO $roles$
DECLARE
  v_role record;
  v_pair record;
  v_name name;
  v_superuser boolean := (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user);
BEGIN
  FOR v_role IN
    SELECT w.name, w.inherit, r.oid IS NOT NULL AS present,
           coalesce(r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolcanlogin OR r.rolreplication
                    OR r.rolbypassrls OR r.rolinherit <> w.inherit, false) AS wrong
    FROM (VALUES ('holdfast_owner', true), ('holdfast_scheduler', true), ('holdfast_engine', true),
                 ('holdfast_operator', true), ('holdfast_reader', true), ('holdfast_deployer', false))
         AS w (name, inherit)
    LEFT JOIN pg_catalog.pg_roles r ON r.rolname = w.name
  LOOP
    IF NOT v_role.present THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN %s', v_role.name,
                     CASE WHEN v_role.inherit THEN 'INHERIT' ELSE 'NOINHERIT' END);
    ELSIF v_role.wrong THEN
      EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS %s',
                     v_role.name, CASE WHEN v_role.inherit THEN 'INHERIT' ELSE 'NOINHERIT' END);
    END IF;
  END LOOP;

  -- pg_dump needs BYPASSRLS; where the deploying login may not give it, backup is not configured, and says so.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'holdfast_backup') THEN
    BEGIN
      CREATE ROLE holdfast_backup NOLOGIN BYPASSRLS;
    EXCEPTION WHEN insufficient_privilege THEN
      NULL;
    END;
  END IF;

  -- No role of ours is a member of another, but the deployer of owner and scheduler.
  FOR v_pair IN
    SELECT m.roleid::regrole::name AS granted, m.member::regrole::name AS member
    FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
    JOIN pg_catalog.pg_roles r ON r.oid = m.member
    WHERE r.rolname LIKE 'holdfast\_%'
      AND r.rolname IN ('holdfast_owner', 'holdfast_scheduler', 'holdfast_engine', 'holdfast_operator',
                        'holdfast_reader', 'holdfast_deployer', 'holdfast_backup')
      AND NOT (r.rolname = 'holdfast_deployer' AND g.rolname IN ('holdfast_owner', 'holdfast_scheduler'))
  LOOP
    EXECUTE format('REVOKE %I FROM %I', v_pair.granted, v_pair.member);
  END LOOP;

  -- set_option exists since 16; the creator's automatic membership there is without it.
  FOR v_pair IN
    SELECT w.granted, w.member, w.needed
    FROM (VALUES ('holdfast_owner', 'holdfast_deployer', true),
                 ('holdfast_scheduler', 'holdfast_deployer', true),
                 ('holdfast_deployer', session_user::text, true),
                 ('holdfast_engine', session_user::text, false),
                 ('holdfast_operator', session_user::text, false),
                 ('holdfast_reader', session_user::text, false)) AS w (granted, member, needed)
    WHERE NOT (v_superuser AND w.member = session_user)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_auth_members m
        WHERE m.roleid = w.granted::regrole AND m.member = quote_ident(w.member)::regrole
          AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true))
  LOOP
    BEGIN
      EXECUTE format('GRANT %I TO %I', v_pair.granted, v_pair.member);
    EXCEPTION WHEN insufficient_privilege THEN
      IF v_pair.needed THEN
        RAISE EXCEPTION '% is not a member of %, and % may not change that',
          v_pair.member, v_pair.granted, session_user
          USING ERRCODE = 'insufficient_privilege';
      END IF;
    END;
  END LOOP;
END
$roles$;
