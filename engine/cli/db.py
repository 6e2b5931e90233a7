"""`holdfast db`: deploy the schema, prove that the database equals it, describe what stands there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from engine.cli.database import current_settings, open_database
from engine.cli.exits import Exit
from engine.cli.render import current_output, render, render_one
from engine.deploy.connection import connect
from engine.deploy.deployment import DeployReport
from engine.deploy.deployment import deploy as deploy_schema
from engine.deploy.status import Status
from engine.deploy.status import status as read_status
from engine.deploy.verification import Drift
from engine.deploy.verification import verify as find_drift

T = TypeVar("T")

_sql_dir = click.option(
    "--sql-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another sql/ folder than the one of this code.",
)


@click.group()
def db() -> None:
    """Deploy, verify and describe the database.

    It is the one of HOLDFAST_DATABASE_URL, else the embedded one of HOLDFAST_DATA_DIR.
    """


@db.command()
@_sql_dir
@click.option("--compatible", is_flag=True, help="Daemons that run can work with this change.")
def deploy(sql_dir: Path | None, *, compatible: bool) -> None:
    """Bring the database to what sql/ says, in one transaction.

    Refused with LEASE_HELD while a daemon holds a lease, unless nothing would change or it is --compatible;
    daemons that see another schema than their own take no entries until they are restarted.
    """
    movable = current_settings().test_clock

    async def act(url: str) -> DeployReport:
        return await deploy_schema(url, sql_dir, test_clock=movable, compatible=compatible, pooled=_pooled())

    render_one(asdict(_with_database(act)))


@db.command()
@_sql_dir
def verify(sql_dir: Path | None) -> None:
    """List every difference between the database and sql/; exit code 1 if there is one."""

    async def act(url: str) -> list[Drift]:
        conn = await connect(url, pooled=_pooled())
        try:
            return await find_drift(conn, sql_dir)
        finally:
            await conn.close()

    drifts = _with_database(act)
    if current_output() == "json":
        render([asdict(drift) for drift in drifts], ["kind", "object", "detail"])
    else:
        for drift in drifts:
            click.echo(str(drift))
        if not drifts:
            click.echo("The database equals sql/.")
    if drifts:
        raise click.exceptions.Exit(Exit.FAILED)


@db.command()
@_sql_dir
def status(sql_dir: Path | None) -> None:
    """Show server, schema, migrations and roles."""

    async def act(url: str) -> Status:
        conn = await connect(url, pooled=_pooled())
        try:
            return await read_status(conn, sql_dir)
        finally:
            await conn.close()

    render_one(asdict(_with_database(act)))


def _pooled() -> bool:
    return current_settings().database_pooler == "transaction"


def _with_database(act: Callable[[str], Awaitable[T]]) -> T:
    settings = current_settings()

    async def main() -> T:
        async with open_database(settings) as url:
            return await act(url)

    return asyncio.run(main())
