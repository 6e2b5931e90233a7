"""What a project must have for the engine to reach it over HTTP, and what it refuses to everybody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from postgrest.exceptions import APIError
from supabase import AsyncClientOptions, acreate_client

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.choice import direct, over_http
from engine.ledger.rpc import RpcOptions
from engine.ledger.seam import Ledger
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.settings import Settings
from tests.database.servers import Database
from tests.supabase.double import PUBLISHABLE_KEY, SECRET_KEY, Double, user_token
from tests.supabase.project import Project, authenticator_url
from tests.supabase.scene import Scene

URL = "https://abc.supabase.co"


async def reach(url: str, key: str = SECRET_KEY) -> HoldfastError:
    """The error of a ledger that cannot be had over HTTP."""
    with pytest.raises(HoldfastError) as caught:
        await Ledger.connect(RpcOptions(url, key, connect_timeout_s=2.0), Metrics(), Clock())
    return caught.value


async def test_a_wrong_key_is_named(double: Double) -> None:
    """A key of another project, and one that is not secret, are configuration errors that say so."""
    for key in ("sb_secret_of-another", PUBLISHABLE_KEY):
        error = await reach(double.url, key)
        assert ErrorCode.CONFIGURATION is error.code
        assert "HOLDFAST_SUPABASE_KEY" in str(error)
        assert key not in str(error)


async def test_a_schema_that_is_not_exposed_is_named(project: Database) -> None:
    """A project whose API does not have holdfast_api says what to do."""
    closed = await Double.serve(authenticator_url(project), exposed=("public",))
    try:
        error = await reach(closed.url)
    finally:
        await closed.close()
    assert ErrorCode.CONFIGURATION is error.code
    assert "holdfast_api" in str(error)


async def test_a_project_without_the_schema_is_named(project_server: Project) -> None:
    """A project that nothing was deployed to says so."""
    empty = await project_server.create_empty()
    bare = await Double.serve(authenticator_url(empty))
    try:
        error = await reach(bare.url)
    finally:
        await bare.close()
        await project_server.drop(empty)
    assert ErrorCode.CONFIGURATION is error.code
    assert "holdfast db deploy" in str(error)


async def test_a_project_that_is_not_there() -> None:
    """Nobody at the address: a retryable error, and nothing was sent."""
    error = await reach("http://127.0.0.1:1")
    assert (ErrorCode.DATABASE_UNAVAILABLE, "none") == (error.code, error.details["effect"])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"supabase_url": URL}, "HOLDFAST_SUPABASE_KEY"),
        ({"supabase_url": URL, "supabase_key": ""}, "HOLDFAST_SUPABASE_KEY"),
        ({"supabase_key": "k"}, "HOLDFAST_SUPABASE_URL"),
        ({"supabase_url": URL, "supabase_key": "k", "database_url": "postgresql://x"}, "set one of them"),
        ({"supabase_url": "http://abc.supabase.co", "supabase_key": "k"}, "https"),
        ({"supabase_url": "abc.supabase.co", "supabase_key": "k"}, "https"),
    ],
)
def test_half_a_configuration_is_refused(given: dict[str, Any], named: str) -> None:
    """What is missing or contradicts is named before anything is opened."""
    with pytest.raises(HoldfastError) as caught:
        over_http(Settings(**given))
    assert ErrorCode.CONFIGURATION is caught.value.code
    assert named in str(caught.value)


def test_settings_choose() -> None:
    """Without a project it is the port; the key is in no text of the options."""
    assert over_http(Settings()) is None
    chosen = over_http(Settings(supabase_url=URL, supabase_key="sb_secret_canary", database_pool_size=3))
    assert chosen is not None
    assert (URL, "sb_secret_canary", 3) == (chosen.url, chosen.key, chosen.pool_size)
    assert "canary" not in repr(chosen)
    assert direct(Settings(database_pooler="transaction"), "postgresql://x").pooled
    with pytest.raises(HoldfastError, match="postgresql://"):
        direct(Settings(), "mysql://x")


async def test_nobody_else_may_call_the_engine(rpc: Ledger, double: Double) -> None:
    """Without a key, with the publishable one, and as a user of either tenant: each function is refused."""
    scene = await Scene(rpc).build()
    user = user_token("11111111-1111-1111-1111-111111111111", tenant_id=str(scene.tenant))
    call = {"p_call_id": str(scene.key), "p_function": "fn_list_tenants", "p_arguments": []}
    asked = [str(scene.tenant)]
    read = {"p_tenant_id": str(scene.tenant), "p_function": "fn_list_profiles", "p_arguments": asked}
    for authorization in (None, f"Bearer {user}"):
        async with client_of(double, authorization) as client:
            for function, body in (("engine_call", call), ("engine_read", read)):
                with pytest.raises(APIError) as caught:
                    await client.rpc(function, body).execute()
                assert "42501" == caught.value.code
            for schema in ("engine", "auth"):
                with pytest.raises(APIError) as caught:
                    await client.schema(schema).table("profile_capital").select("*").execute()
                assert "PGRST106" == caught.value.code


async def test_a_bad_token_is_refused(double: Double) -> None:
    """A token that another key has signed never reaches the database."""
    forged = user_token("1", role="service_role").rsplit(".", 1)[0] + ".c2lnbmF0dXJl"
    async with client_of(double, f"Bearer {forged}") as client:
        with pytest.raises(APIError) as caught:
            await client.rpc("engine_call", {}).execute()
    assert "PGRST301" == caught.value.code


async def test_the_call_reaches_what_the_engine_may_and_no_more(rpc: Ledger, project: Database) -> None:
    """Internal functions, other schemas and statements cannot be named; a claim cannot be outlived."""
    scene = await Scene(rpc).build()
    conn = await asyncpg.connect(authenticator_url(project))
    call = "SELECT holdfast_api.engine_call(gen_random_uuid(), $1, $2::jsonb)"
    tenant = f'["{scene.tenant}"]'
    try:
        for function, arguments, state in (
            ("enter_tenant", tenant, "42883"),
            ("dispatch", '["fn_clock", []]', "42883"),
            ("pg_sleep", "[1]", "42883"),
            ("fn_clock(); DROP TABLE engine.tenants; --", "[]", "42883"),
            ("fn_list_profiles", f'["{scene.tenant}", "more"]', "42883"),
            ("fn_list_profiles", '["no uuid"]', "22P02"),
            ("fn_list_profiles", "[null]", "HF401"),
        ):
            async with conn.transaction():
                await conn.execute("SET LOCAL ROLE service_role")
                await conn.execute(
                    "SELECT set_config('request.jwt.claims', '{\"role\": \"service_role\"}', true)"
                )
                with pytest.raises(asyncpg.PostgresError) as caught:
                    async with conn.transaction():
                        await conn.fetchval(call, function, arguments)
                assert state == caught.value.sqlstate, function
        async with conn.transaction():
            await conn.execute("SET LOCAL ROLE service_role")
            await conn.fetchval(call, "fn_list_profiles", tenant)
            claimed = await conn.fetchval("SELECT current_setting('request.jwt.claims')")
            assert str(scene.tenant) in claimed
        assert "" == await conn.fetchval("SELECT current_setting('request.jwt.claims', true)")
    finally:
        await conn.close()


async def test_what_changes_something_without_a_tenant_is_harmless_twice(project: Database) -> None:
    """Only these run again if their answer is lost: each sets what it says, or says that a process lives."""
    admin = await project.admin()
    rows = await admin.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'engine'::regnamespace AND proname LIKE 'fn\\_%'"
        " AND provolatile = 'v' AND proargnames[1] IS DISTINCT FROM 'p_tenant_id'"
        " AND proname NOT LIKE 'fn\\_due\\_%' AND proname <> 'fn_clock'"
    )
    assert {
        "fn_init_engine",  # keeps the first tag
        "fn_set_engine_mode",  # sets the mode
        "fn_prove_writable",  # writes nothing that stays
        "fn_renew_instance",
        "fn_end_instance",
    } == {row["proname"] for row in rows}


@asynccontextmanager
async def client_of(double: Double, authorization: str | None) -> AsyncIterator[Any]:
    """A client as a program of a tenant has one: with the publishable key, and a user's token if any."""
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient() as http:
        options = AsyncClientOptions(schema="holdfast_api", headers=headers, httpx_client=http)
        yield await acreate_client(double.url, PUBLISHABLE_KEY, options)
