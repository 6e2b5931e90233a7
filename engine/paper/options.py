"""What a paper exchange is started with."""

from dataclasses import dataclass, field
from pathlib import Path

from engine.paper import scale


@dataclass(frozen=True, slots=True)
class AccountOption:
    """One account with its first deposits, in units of 10^-8."""

    key: str
    secret: str
    deposits: dict[str, int]


@dataclass(frozen=True, slots=True)
class Options:
    """Port 0 takes a free one. `step_ms` 0: prices stand still until stepped over the control port.

    With `tls_dir`, a folder for certificates, the exchange also speaks TLS on `tls_port`. `replay` names
    recorded trades or candles, `replay_speed` how many recorded seconds pass in one.
    """

    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    seed: int = 7
    step_ms: int = 250
    replay: str | None = None
    replay_speed: int = 1
    enforce_limits: bool = False
    fee_asset: str | None = None
    exchange_info: Path | None = None
    legacy_user_streams: bool = False
    accounts: tuple[AccountOption, ...] = field(default=())
    tls_dir: Path | None = None
    tls_port: int = 0


def read_account(text: str) -> AccountOption:
    """Read KEY:SECRET:USDT=10000,BTC=1; ValueError says what is wrong."""
    parts = text.split(":")
    if len(parts) not in {2, 3} or not parts[0] or not parts[1]:
        raise ValueError(f"account must be KEY:SECRET:ASSET=AMOUNT,..., not {text!r}")
    deposits = {}
    for entry in filter(None, parts[2].split(",") if len(parts) > 2 else []):  # noqa: PLR2004 - three parts
        asset, _, amount = entry.partition("=")
        if not asset.isalnum() or not amount:
            raise ValueError(f"deposit must be ASSET=AMOUNT, not {entry!r}")
        deposits[asset] = scale.parse(amount)
    return AccountOption(parts[0], parts[1], deposits)
