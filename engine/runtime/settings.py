"""Every setting of Holdfast: read from HOLDFAST_* variables, checked once at start."""

import os
from pathlib import Path
from typing import Literal

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
    database_role: str | None = Field(
        default="holdfast_engine",
        description="Role that every session takes; empty: the login's own rights, without our timeouts.",
    )
    database_statement_cache_size: int = Field(
        default=256, ge=0, le=10_000, description="Prepared statements of a session; none behind a pooler."
    )
    database_pooler: Literal["none", "transaction"] = Field(
        default="none",
        description="What stands before the database: `transaction` for a pooler that gives each transaction "
        "another session (pgbouncer, Supabase's port 6543); one that keeps sessions is `none`.",
    )
    supabase_url: str | None = Field(
        default=None,
        description="Address of a Supabase project whose API is the way to the database, where PostgreSQL's "
        "port cannot be reached; in the place of database_url.",
    )
    supabase_key: SecretStr | None = Field(
        default=None, description="Secret key of that project (sb_secret_…, or the older service_role key)."
    )
    order_valid_for_ms: int = Field(
        default=5_000,
        ge=500,
        le=60_000,
        description="How long the exchange accepts a signed order; later it refuses it by itself.",
    )
    entry_lock_ttl_ms: int = Field(
        default=30_000,
        ge=1_000,
        le=3_600_000,
        description="When an entry that was not answered is looked for at the exchange. Must exceed all "
        "timeouts of placing and recording together; the start fails otherwise.",
    )
    queue_length_max: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Entries, or exits, that may wait for one profile and symbol; the next gets BUSY.",
    )
    auto_deploy: bool = Field(
        default=False,
        description="Deploy sql/ at start to the database of database_url too; the embedded one always is.",
    )
    master_key: SecretStr | None = Field(
        default=None,
        description="Key that seals exchange credentials: 32 bytes, base64. Without it the file "
        "master.key in data_dir, made on first use.",
    )
    master_keys_old: SecretStr | None = Field(
        default=None,
        description="Earlier master keys, joined by commas: they still open what they sealed, until "
        "`holdfast accounts rewrap` has run.",
    )
    http_host: str = Field(default="127.0.0.1", description="Address of the robots' API.")
    http_port: int = Field(default=8080, ge=0, le=65535, description="Its port; 0 takes a free one.")
    http_body_bytes_max: int = Field(
        default=65_536, ge=1_024, le=16_777_216, description="Largest accepted request body."
    )
    rate_robot_orders_per_s: float = Field(
        default=500,
        ge=0,
        le=1_000_000,
        description="Entries, and as many exits, that a daemon takes of one robot; 0 takes any number.",
    )
    rate_robot_cancels_per_s: float = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Cancels that it takes of one robot; 0, any number: they reduce risk.",
    )
    rate_robot_reads_per_s: float = Field(
        default=1000, ge=0, le=1_000_000, description="Reads that it takes of one robot; 0 takes any number."
    )
    rate_tenant_orders_per_s: float = Field(
        default=2000,
        ge=0,
        le=1_000_000,
        description="Entries, and as many exits, that it takes of one tenant; 0 takes any number.",
    )
    rate_tenant_cancels_per_s: float = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Cancels that it takes of one tenant; 0, any number: they reduce risk.",
    )
    rate_tenant_reads_per_s: float = Field(
        default=4000,
        ge=0,
        le=1_000_000,
        description="Reads that it takes of one tenant; 0 takes any number.",
    )
    rate_engine_orders_per_s: float = Field(
        default=5000,
        ge=0,
        le=1_000_000,
        description="Entries, and as many exits, that it takes of everybody; 0 takes any number.",
    )
    rate_engine_cancels_per_s: float = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Cancels that it takes of everybody; 0, any number: they reduce risk.",
    )
    rate_engine_reads_per_s: float = Field(
        default=10000,
        ge=0,
        le=1_000_000,
        description="Reads that it takes of everybody; 0 takes any number.",
    )
    rate_burst_s: float = Field(
        default=2.0, gt=0, le=60, description="How many seconds' worth of a rate may come at once."
    )
    internal_host: str = Field(
        default="127.0.0.1", description="Address of the internal endpoints if they have a port of their own."
    )
    internal_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of /livez, /readyz, /internal/health, /metrics; without it they are on the API's.",
    )
    stop_timeout_s: float = Field(
        default=20.0, gt=0, le=300, description="How long a stop waits for orders in flight."
    )
    lease_ttl_s: float = Field(
        default=10.0,
        ge=1,
        le=600,
        description="How long the lease of an exchange account outlives a holder that died: another instance "
        "takes over after that.",
    )
    read_gap_s: float = Field(
        default=2.0, ge=0, le=600, description="Between the two reads that prove an order's absence."
    )
    watchdog_interval_s: float = Field(
        default=10.0, gt=0, le=3_600, description="Between two passes of the watchdog."
    )
    poll_interval_s: float = Field(
        default=10.0, gt=0, le=600, description="Between two looks at every open order while streams live."
    )
    stream_silent_s: float = Field(
        default=30.0, gt=0, le=600, description="When an exchange stream that says nothing is taken for dead."
    )
    reconcile_interval_s: float = Field(
        default=30.0, gt=0, le=3_600, description="Between two reconciliation passes of an exchange account."
    )
    clock_interval_s: float = Field(
        default=10.0, gt=0, le=600, description="Between two measurements of an exchange's clock."
    )
    clock_skew_max_s: float = Field(
        default=60.0,
        gt=0,
        le=86_400,
        description="How far an exchange's clock may be from ours; beyond it entries wait. What is signed "
        "follows the exchange's clock in any case.",
    )
    instruments_interval_s: float = Field(
        default=3_600.0, gt=0, le=86_400, description="Between two reads of an exchange's instruments."
    )
    feed_queue_events_max: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="Events that may wait for one feed client; one further behind is disconnected.",
    )
    feed_heartbeat_s: float = Field(
        default=15.0, gt=0, le=300, description="Between two heartbeats on a feed that has nothing to tell."
    )
    feed_clients_max: int = Field(
        default=256, ge=0, le=10_000, description="Feed clients of one process at most; the next gets BUSY."
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="amqp:// address of a RabbitMQ that gets every event; without it nothing is published.",
    )
    log_format: Literal["json", "console"] = Field(default="json", description="Form of the log lines.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least level that is logged."
    )
    jwt_issuer: str | None = Field(
        default=None, description="Issuer of users' tokens (iss); without it robot keys alone are accepted."
    )
    jwt_audience: str | None = Field(
        default=None, description="Audience that a user's token must name (aud); needed with an issuer."
    )
    jwt_jwks_url: str | None = Field(
        default=None,
        description="The issuer's public keys, https; without it the issuer and /.well-known/jwks.json.",
    )
    jwt_algorithms: tuple[Literal["ES256", "RS256"], ...] = Field(
        default=("ES256", "RS256"),
        description="Algorithms that the issuer's keys may be used with, as a JSON list.",
    )
    jwt_hs256_secret: SecretStr | None = Field(
        default=None,
        description="Shared secret of 32 bytes or more: accept HS256 too, signed with it and nothing else.",
    )
    jwt_tenant_claim: str = Field(
        default="tenant_id",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$",
        description="Claim with the tenant's id; dots lead inwards, as in app_metadata.tenant_id.",
    )
    jwt_trade_robot: str | None = Field(
        default=None,
        description="Name of the robot that users trade as, in each tenant; without it they only read.",
    )
    jwt_leeway_s: float = Field(
        default=5.0, ge=0, le=60, description="How far an issuer's clock may be from ours."
    )
    notice_url: SecretStr | None = Field(
        default=None,
        description="Webhook that notices to operators are posted to; without it they stay in log and audit.",
    )
    notice_template: str | None = Field(
        default=None,
        description="JSON body of a notice with $kind, $severity, $title, $text, $tenant, $module, $at and "
        "$repeated in its strings; without it an object of all of them.",
    )
    notice_throttle_s: float = Field(
        default=300.0,
        ge=0,
        le=86_400,
        description="Of one kind, tenant and module at most one notice in this time; the next says how many.",
    )
    test_clock: bool = Field(
        default=False,
        description="Accept a database whose clock can be moved. For tests only: without it the start-up "
        "gate refuses such a database; /readyz shows it.",
    )


def load_settings(env_file: Path | None = None) -> Settings:
    """Settings of the environment; of `env_file` too if one is named (the environment wins)."""
    return Settings(_env_file=env_file)
