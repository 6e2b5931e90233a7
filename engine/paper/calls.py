"""What an endpoint gets and what it declares: the call, its cost, its security, its paging parameters."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from engine.paper import refusals, tickets

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.limits import Limits
    from engine.paper.matching import Market, Matching

T = TypeVar("T")

LIST_MAX = 1000
LIST_DEFAULT = 500
DAY_MS = 86_400_000
_NO_END = 10**15
_SYMBOLS_RANGE = r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$'
_SYMBOLS = re.compile(r'\["[A-Z0-9_.-]{1,20}"(?:, ?"[A-Z0-9_.-]{1,20}")*\]')


@dataclass(frozen=True, slots=True)
class Call:
    """One request as an endpoint sees it; `account` is None where neither key nor signature is asked for."""

    matching: "Matching"
    params: dict[str, str]
    account: "Account | None"
    limits: "Limits"

    @property
    def owner(self) -> "Account":
        if self.account is None:
            raise refusals.unknown_key()
        return self.account

    def market(self) -> "Market":
        market = self.matching.markets.get(tickets.require(self.params, "symbol"))
        if market is None:
            raise refusals.unknown_symbol()
        return market

    def named_markets(self) -> "list[Market]":
        """The markets of `symbol` or `symbols`; all of them if neither is sent."""
        markets = self.matching.markets
        if "symbol" in self.params:
            if "symbols" in self.params:
                raise refusals.bad_combination()
            return [self.market()]
        if "symbols" not in self.params:
            return list(markets.values())
        names = symbol_names(self.params["symbols"])
        if any(name not in markets for name in names):
            raise refusals.unknown_symbol()
        return [markets[name] for name in names]

    def window(self) -> tuple[int, int]:
        """Start and end time; at most a day apart, as Binance wants it."""
        start, end = tickets.integer(self.params, "startTime"), tickets.integer(self.params, "endTime")
        if start is not None and end is not None and end - start > DAY_MS:
            raise refusals.Refusal(-1127, "More than 24 hours between startTime and endTime.")
        return start or 0, _NO_END if end is None else end

    def limit(self, default: int = LIST_DEFAULT, most: int = LIST_MAX) -> int:
        """How many rows are asked for, at most so many."""
        given = tickets.integer(self.params, "limit")
        if given == 0:
            raise refusals.not_valid("limit")
        return min(default if given is None else given, most)

    def page(self, found: Sequence[T], *, from_start: bool) -> list[T]:
        """Cut to the limit: from the start when an id or a start time was asked for, else the newest."""
        limit = self.limit()
        if from_start or "startTime" in self.params:
            return list(found[:limit])
        return list(found[-limit:])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to answer; whether a signature, or at least a key, is needed; whether it is about an order.

    `weigh` tells the weight where it depends on the parameters.
    """

    answer: Callable[[Call], Any]
    signed: bool = False
    keyed: bool = False
    weight: int = 1
    weigh: Callable[[dict[str, str]], int] | None = None
    order: bool = False


def symbol_names(given: str) -> list[str]:
    """Read a JSON list of symbols."""
    if not _SYMBOLS.fullmatch(given):
        raise refusals.illegal_characters("symbols", _SYMBOLS_RANGE)
    names = [name.strip(' "') for name in given[1:-1].split(",")]
    if len(set(names)) < len(names):
        raise refusals.Refusal(-1151, "Symbol is present multiple times in the list.")
    return names
