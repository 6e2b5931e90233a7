"""How a command gets its database: the named one, the running embedded one, or one for this command alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from engine.deploy.embedded import EmbeddedPostgres, running_url
from engine.runtime.settings import Settings, load_settings


def current_settings() -> Settings:
    """Settings of the running command, its --env-file included."""
    return load_settings(click.get_current_context().find_root().params["env_file"])


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """An administrator's URL.

    The embedded server is started (in the main thread) and stopped again only if no other process runs it.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    url = running_url(settings.data_dir)
    if url is not None:
        yield url
        return
    server = EmbeddedPostgres(settings.data_dir)
    url = server.start()
    try:
        yield url
    finally:
        server.stop()
