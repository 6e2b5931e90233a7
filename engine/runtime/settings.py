"""Every setting of Holdfast: read from HOLDFAST_* variables, checked once at start."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_dir() -> Path:
    """Root's home is closed to the unprivileged user that PostgreSQL runs as there."""
    return Path("/var/lib/holdfast") if os.geteuid() == 0 else Path.home() / ".local/share/holdfast"


class Settings(BaseSettings):
    """Fields and their meaning; the variable is HOLDFAST_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_", extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(
        default=None,
        description="URL of a PostgreSQL 15+ server; without it the embedded server of data_dir is used.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded database; ~/.local/share/holdfast, for root /var/lib/holdfast.",
    )
    database_pool_size: int = Field(
        default=8, ge=1, le=200, description="Database connections of one process at most."
    )
    test_clock: bool = Field(
        default=False,
        description="Accept a database whose clock can be moved. For tests only: without it the start-up "
        "gate refuses such a database; /readyz shows it.",
    )


def load_settings(env_file: Path | None = None) -> Settings:
    """Settings of the environment; of `env_file` too if one is named (the environment wins)."""
    return Settings(_env_file=env_file)
