"""A server as a Supabase project has it: its roles and auth schema, and a postgres that is no superuser."""

import asyncpg

from tests.database.servers import Database, Server, with_database, with_login

PASSWORD = "authenticator-of-a-test"  # of a server of this test alone, on the loopback
# As supabase/postgres makes them: a login that becomes what a token says, and the roles it may become.
_ROLES = f"""
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD '{PASSWORD}';
GRANT anon, authenticated, service_role TO authenticator;
ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated SET statement_timeout = '8s';
ALTER ROLE authenticator SET statement_timeout = '8s';
"""
_AUTH = """
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claim.role', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'))::text $$;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, raw_app_meta_data jsonb);
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
"""


class Project(Server):
    """Its deployer may what a project's postgres may: CREATEROLE and BYPASSRLS, and it is no superuser."""

    deployer_rights = "LOGIN CREATEROLE CREATEDB BYPASSRLS REPLICATION"

    @property
    def logins(self) -> dict[str, str]:
        """The ordinary login and the deployer with their passwords, for a pooler."""
        return dict.fromkeys((self.names.login, self.names.deployer), self.names.password)

    async def prepare(self) -> None:
        admin = await asyncpg.connect(self.admin_url)
        try:
            await admin.execute(_ROLES)
        finally:
            await admin.close()
        template = await asyncpg.connect(with_database(self.admin_url, "template1"))
        try:
            await template.execute(_AUTH)
        finally:
            await template.close()
        await super().prepare()

    async def create_empty(self) -> Database:
        """A database with the auth schema in which nothing is deployed yet."""
        made = await super().create_empty()
        admin = await asyncpg.connect(made.admin_url)
        try:
            await admin.execute(_AUTH)
        finally:
            await admin.close()
        return made


def authenticator_url(database: Database) -> str:
    """What a project's PostgREST connects as."""
    return with_login(database.admin_url, "authenticator", PASSWORD)
