"""What opening an order would answer now, told without doing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import to_text
from engine.flows.commands import OK, refused_by
from engine.ledger.intents import Denied, Kind, Opened
from engine.ledger.requests import preview_order
from engine.ledger.seam import Ledger


@dataclass(frozen=True, slots=True)
class Preview:
    """`code` OK: it would be sent; else the denial with its numbers. All values are JSON-ready.

    `limit_price` is what would be sent as limit (a market entry's worst price), None for a market exit.
    `reserved`: quote for an entry, base for an exit.
    """

    code: str
    details: Mapping[str, Any]
    limit_price: str | None = None
    quantity: str | None = None
    reserved: str | None = None
    available_after: str | None = None
    spec_version: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether the order would be sent."""
        return self.code == OK


async def previewed(
    ledger: Ledger, tenant_id: UUID, kind: Kind, item: dict[str, Any], limit_price: Decimal | None
) -> Preview:
    """Ask the functions that decide, and take back what they did."""
    result = await preview_order(ledger, tenant_id, kind, item)
    limit = None if limit_price is None else to_text(limit_price)
    if isinstance(result, Denied):
        return Preview(result.code.value, result.details, limit)
    if not isinstance(result, Opened):
        raise HoldfastError(ErrorCode.INTERNAL, "a preview met a key that was used before")
    return Preview(
        OK,
        {},
        limit,
        to_text(result.quantity),
        to_text(result.reserved),
        None if result.available is None else to_text(result.available),
        result.spec_version,
    )


def refused(error: HoldfastError) -> Preview:
    """Return the preview of an order that would be refused before the database is asked."""
    answer = refused_by(error)
    return Preview(answer.code, answer.details)
