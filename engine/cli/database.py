"""How a command gets its database: the named one, the running embedded one, or one for this command alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from engine.deploy.embedded import EmbeddedPostgres, running_url
from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.settings import Settings, load_settings

_WAIT_TIMEOUT_S = 20.0


def current_settings() -> Settings:
    """Settings of the running command, its --env-file included."""
    return load_settings(click.get_current_context().find_root().params["env_file"])


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """An administrator's URL.

    The embedded server is started (in the main thread) and stopped again only if no other process runs it.
    """
    if settings.supabase_url and settings.database_url is None:
        raise HoldfastError(
            ErrorCode.CONFIGURATION,
            "This needs PostgreSQL's own port, which HOLDFAST_SUPABASE_URL does not give: "
            "run it where HOLDFAST_DATABASE_URL can reach the project.",
        )
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server = EmbeddedPostgres(settings.data_dir)
    try:
        yield running_url(settings.data_dir) or await _start(server)
    finally:
        server.stop()


async def _start(server: EmbeddedPostgres) -> str:
    """Start it; if another process is just doing so, wait for its server instead."""
    deadline = time.monotonic() + _WAIT_TIMEOUT_S
    while True:
        try:
            return server.start()
        except HoldfastError as error:
            if "holder" not in error.details or time.monotonic() > deadline:
                raise
        url = running_url(server.data_dir)
        if url is not None:
            return url
        await asyncio.sleep(0.05)
