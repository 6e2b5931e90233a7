"""Every setting of Holdfast: read from HOLDFAST_* variables, checked once at start."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Fields and their meaning; the variable is HOLDFAST_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_", extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(
        default=None,
        description="URL of a PostgreSQL 15+ server; without it the embedded server of data_dir is used.",
    )
    data_dir: Path = Field(
        default=Path("~/.local/share/holdfast"),
        description="Folder of the embedded database. For root it must not lie below a closed home directory.",
    )
    database_pool_size: int = Field(
        default=8, ge=1, le=200, description="Database connections of one process at most."
    )
    test_clock: bool = Field(
        default=False,
        description="Accept a database whose clock can be moved. For tests only: the start-up gate refuses it "
        "otherwise, and /readyz shows it.",
    )


def load_settings(env_file: Path | None = None) -> Settings:
    """Settings of the environment; of `env_file` too if one is named (the environment wins)."""
    return Settings(_env_file=env_file)
