"""A daemon whose only way to its database is HTTP trades like any other."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

from engine.deploy.deployment import deploy
from tests.daemon.stage import Answer, Stage, Tenant, start_daemon, until
from tests.database.servers import Database, in_own_loop
from tests.supabase.double import SECRET_KEY, Double, Lost
from tests.supabase.project import Project, authenticator_url

MARKET = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "0.01"}


@contextlib.contextmanager
def served(database: Database) -> Iterator[Double]:
    """Serve a project's database over HTTP from a thread with a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        double = asyncio.run_coroutine_threadsafe(Double.serve(authenticator_url(database)), loop).result(30)
        try:
            yield double
        finally:
            asyncio.run_coroutine_threadsafe(double.close(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def order(stage: Stage, tenant: Tenant, way: str, **changes: Any) -> Answer:
    return stage.call("POST", f"/v1/{way}", {**MARKET, **changes}, key=tenant.key, idem=uuid4().hex)


def test_a_daemon_trades_over_http_alone(project_server: Project) -> None:
    """In and out over a lost answer and a kill, and no other connection reaches the database."""
    database = in_own_loop(project_server.create_empty())
    in_own_loop(deploy(database.deployer_url))
    lost: list[str] = []

    async def lose_the_first(request: Mapping[str, Any]) -> None:
        if not lost and "fn_open_entry" in str(request):
            lost.append("fn_open_entry")
            raise Lost

    with served(database) as double:
        way = {"supabase_url": double.url, "supabase_key": SECRET_KEY}
        with Stage.started(**way) as stage:
            stage.database = database.admin_url
            tenant = stage.tenant()
            double.after = lose_the_first
            bought = order(stage, tenant, "entries")
            assert (201, "placed", "filled") == (
                bought.status, bought.body["outcome"], bought.body["order"]["status"],
            ), bought.text  # fmt: skip
            assert ["fn_open_entry"] == lost
            logins = stage.rows(
                "SELECT DISTINCT usename::text AS login FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL"
            )
            assert [{"login": "authenticator"}] == logins
            stage.daemon.stop(signal.SIGKILL)
            stage.daemon = start_daemon(stage.folder, **way)
            stage.port = stage.daemon.said("listening")["port"]
            until("its account is connected again", lambda: stage.connected(tenant))
            sold = order(stage, tenant, "exits", quantity="all")
            assert (201, "filled") == (sold.status, sold.body["order"]["status"]), sold.text
            (capital,) = stage.call("GET", "/v1/capital", key=tenant.key).body["capital"]
            assert Decimal(capital["invariant"]) == Decimal(capital["available"])
            books = stage.steer("GET", f"/oracle?account={tenant.name}")["accounts"][tenant.name]
            assert 2 == len(books["orders"])
    in_own_loop(project_server.drop(database))
