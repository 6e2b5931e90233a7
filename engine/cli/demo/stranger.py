"""The demo's stranger: a second tenant's robot that knows the first one's ids, and how far it gets."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

import aiohttp

from engine.cli.acts import robots, tenants
from engine.ledger import walls
from engine.ledger.seam import Ledger

TENANT, ROBOT = "stranger", "eve"
_COUNTER = "holdfast_cross_tenant_access_attempts_total"
_PROVEN_TIMEOUT_S = 10.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Wall:
    """What the stranger tried, and what became of it.

    `leaks`: attempts that were answered with anything but NOT_FOUND; `counted`: by the daemon's metric;
    `audited`: rows in the audit of the stranger's tenant.
    """

    attempts: tuple[str, ...]
    leaks: tuple[str, ...]
    counted: int
    audited: int

    @property
    def refused(self) -> int:
        return len(self.attempts) - len(self.leaks)

    @property
    def problems(self) -> list[str]:
        """Why the wall does not stand, or was not seen to; empty: it stands."""
        found = [f"another tenant's robot was not refused: {text}" for text in self.leaks]
        tried = len(self.attempts)
        if not tried or (self.counted, self.audited) != (tried, tried):
            found.append(
                f"of {tried} attempts by another tenant's robot {self.counted} were counted, "
                f"{self.audited} audited"
            )
        return found


@dataclass(frozen=True, slots=True)
class Foreign:
    """The first tenant's ids, as if they had leaked."""

    order_id: str
    profile_id: str
    symbol: str


async def try_walls(ledger: Ledger, http: aiohttp.ClientSession, api: str, foreign: Foreign) -> Wall:
    """Make a second tenant with a robot, and let it try what is not its own."""
    tenant_id = UUID(str((await tenants.create(ledger, TENANT))["tenant_id"]))
    key = (await robots.create(ledger, TENANT, ROBOT))["key"]
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"{ROBOT}-{uuid4()}"}
    entry = {"profile": foreign.profile_id, "symbol": foreign.symbol, "type": "market", "quantity": "1"}
    order = f"/v1/orders/{foreign.order_id}"
    tries: list[tuple[str, str, str, dict[str, str] | None]] = [
        ("read its order", "GET", order, None),
        ("cancel its order", "DELETE", order, None),
        ("read its profile", "GET", f"/v1/profiles/{foreign.profile_id}", None),
        ("trade with its profile", "POST", "/v1/entries", entry),
        ("follow its feed", "GET", f"/v1/feed?profile={foreign.profile_id}", None),
    ]
    leaks = []
    for what, method, path, body in tries:
        async with http.request(method, api + path, json=body, headers=headers) as response:
            if response.status != HTTPStatus.NOT_FOUND:
                leaks.append(f"{what}: {response.status}")
    counted, audited = await _kept(ledger, http, api, tenant_id, len(tries))
    return Wall(tuple(what for what, *_ in tries), tuple(leaks), counted, audited)


async def _kept(
    ledger: Ledger, http: aiohttp.ClientSession, api: str, tenant_id: UUID, due: int
) -> tuple[int, int]:
    """Return how many attempts were counted and audited: both come a moment after the answer."""
    deadline = time.monotonic() + _PROVEN_TIMEOUT_S
    while True:
        async with http.get(f"{api}/metrics") as response:
            counted = _attempts(await response.text(), tenant_id)
        audited = len(await walls.list_audit(ledger, tenant_id, {"code": walls.CROSS_TENANT}))
        if (counted >= due and audited >= due) or time.monotonic() > deadline:
            return counted, audited
        await asyncio.sleep(_POLL_S)


def _attempts(metrics: str, tenant_id: UUID) -> int:
    """Add up a tenant's attempts over all places where it tried."""
    mine = f'tenant="{tenant_id}"'
    found = 0.0
    for line in metrics.splitlines():
        if line.startswith(f"{_COUNTER}{{") and mine in line:
            with contextlib.suppress(ValueError):
                found += float(line.rsplit(" ", 1)[1])
    return int(found)
