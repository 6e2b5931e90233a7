"""What the demo found out: every figure of its last screen, and the list of what does not hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.cli.demo.books import Books, compare
from engine.cli.demo.crash import Recovery
from engine.cli.demo.listener import Heard
from engine.cli.demo.stranger import Wall
from engine.cli.demo.tally import Tally
from engine.domain.capital import available
from engine.domain.money import EXACT, ZERO, parse_decimal, to_text


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """The five capital figures of a profile, and whether the journal alone gives the same."""

    name: str
    quote_asset: str
    mode: str
    allocated: Decimal
    reserved_for_orders: Decimal
    reserved_for_positions: Decimal
    realized_pnl: Decimal
    available: Decimal
    differences: tuple[str, ...]

    @property
    def broken(self) -> list[str]:
        """Why the invariant does not hold; empty: it does."""
        found = [f"profile {self.name}: {text}" for text in self.differences]
        due = available(
            self.allocated, self.reserved_for_orders, self.reserved_for_positions, self.realized_pnl
        )
        if due != self.available:
            found.append(f"profile {self.name}: available is {to_text(self.available)}, not {to_text(due)}")
        if self.available < ZERO:
            found.append(f"profile {self.name}: available is {to_text(self.available)}")
        return found


@dataclass(frozen=True, slots=True)
class AssetLine:
    """One asset of the account: what profiles hold of it, what is unassigned, what the exchange holds."""

    asset: str
    profiles: Decimal
    unassigned: Decimal
    exchange: Decimal

    @property
    def expected(self) -> Decimal:
        """What the exchange must hold."""
        return EXACT.add(self.profiles, self.unassigned)


@dataclass(frozen=True, slots=True)
class Acts:
    """What was shown on the way: a wall that stands, a crash that is recovered, a feed that goes on."""

    wall: Wall
    recovery: Recovery
    heard: Heard

    def problems(self, ledger: Books) -> list[str]:
        """What did not come out as it should; `ledger` has the fills that the feed must have told."""
        found = list(self.wall.problems)
        if not self.recovery.unknown:
            found.append("the crash left no intent whose outcome was unknown: it proved nothing")
        if not self.recovery.same_answer:
            found.append("the robot whose daemon died did not get its order by asking again with its key")
        heard = self.heard
        if heard.holes or heard.repeated or heard.behind:
            found.append(
                f"the feed: {heard.holes} events missing in between, {heard.behind} at the end, "
                f"{heard.repeated} told twice"
            )
        found += [f"the feed could not be resumed: {reason}" for reason in heard.resyncs]
        if not heard.resumed_after or not heard.told_after_resume:
            found.append("the feed was not resumed over the kill: it proved nothing")
        if untold := ledger.fills.keys() - heard.fills:
            found.append(f"the feed did not tell of {len(untold)} fills of the ledger")
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """All of one demo. It holds if `problems` is empty."""

    tally: Tally
    profiles: Sequence[ProfileLine]
    assets: Sequence[AssetLine]
    intent_states: Counter[str]
    ledger: Books
    exchange: Books
    oracle_differences: Sequence[str]
    acts: Acts
    seconds: float
    complaints: Sequence[str] = ()  # last warnings and errors of the daemon's log

    @property
    def invariant_violations(self) -> list[str]:
        """Profiles and readings on which the invariant did not hold."""
        return [text for profile in self.profiles for text in profile.broken] + self.tally.broken_readings

    @property
    def differences(self) -> list[str]:
        """Lines on which the ledger and the exchange's books differ."""
        return [str(one) for one in compare(self.ledger, self.exchange)]

    @property
    def duplicates(self) -> int:
        """Orders at the exchange beyond one per intent."""
        return self.exchange.duplicate_orders()

    @property
    def problems(self) -> list[str]:
        """Everything that keeps the exit code from being 0."""
        found = [*self.invariant_violations, *self.differences]
        found += [f"the exchange's own books disagree: {text}" for text in self.oracle_differences]
        found += [f"one key, two answers: {text}" for text in self.tally.answered_differently]
        found += [f"not expected, {count} times: {text}" for text, count in self.tally.unexpected.items()]
        if self.duplicates:
            found.append(f"{self.duplicates} orders more than intents at the exchange")
        unsettled = {
            state: count for state, count in self.intent_states.items() if state not in _FINAL and count
        }
        if unsettled or self.ledger.open_orders():
            found.append(f"not final: intents {unsettled}, {self.ledger.open_orders()} open orders")
        found += self.acts.problems(self.ledger)
        if not self.ledger.fills:
            found.append("nothing was traded")
        return found

    def as_json(self) -> dict[str, Any]:
        """The figures with the names that DEMO_JSON promises, then the details; money as text."""
        return {
            "intents": sum(self.intent_states.values()),
            "orders": len(self.ledger.orders),
            "fills": len(self.ledger.fills),
            "denied": sum(self.tally.denials.values()),
            "duplicates": self.duplicates,
            "invariant_violations": len(self.invariant_violations),
            "ledger_equals_exchange": not self.differences,
            "entry_ms_p50": _rounded(self.tally.entry_ms(0.5)),
            "seconds": round(self.seconds, 1),
            "recovered_seconds": round(self.acts.recovery.seconds, 1),
            "ready_seconds": round(self.acts.recovery.ready_seconds, 1),
            "unknown": self.acts.recovery.unknown,
            "proven": self.acts.recovery.proven,
            "feed_events": self.acts.heard.events,
            "feed_events_after_resume": self.acts.heard.told_after_resume,
            "feed_missing": self.acts.heard.holes + self.acts.heard.behind,
            "feed_repeated": self.acts.heard.repeated,
            "feed_resumed": len(self.acts.heard.resumed_after),
            "foreign_attempts": len(self.acts.wall.attempts),
            "foreign_refused": self.acts.wall.refused,
            "foreign_counted": self.acts.wall.counted,
            "foreign_audited": self.acts.wall.audited,
            "entry_ms_p99": _rounded(self.tally.entry_ms(0.99)),
            "denials": dict(self.tally.denials),
            "sent_twice": self.tally.sent_twice,
            "capital_readings": self.tally.readings,
            "intent_states": dict(self.intent_states),
            "order_states": dict(order_states(self.ledger)),
            "exchange_orders": len(self.exchange.orders),
            "exchange_fills": len(self.exchange.fills),
            "profiles": [_profile_json(profile) for profile in self.profiles],
            "balances": [_asset_json(line) for line in self.assets],
            "problems": self.problems,
        }


_FINAL = frozenset({"confirmed", "rejected", "not_placed"})


def profile_line(capital: Mapping[str, Any], rebuilt: Mapping[str, Any]) -> ProfileLine:
    """Read one profile of the capital's listing and its rebuild from the journal."""

    def figure(name: str) -> Decimal:
        return parse_decimal(capital[name], name)

    differences = [str(one) for one in rebuilt["differences"]]
    if not rebuilt["equal"] and not differences:
        differences = ["the journal gives other figures than are stored"]
    return ProfileLine(
        name=capital["name"],
        quote_asset=capital["quote_asset"],
        mode=capital["mode"],
        allocated=figure("allocated"),
        reserved_for_orders=figure("reserved_for_orders"),
        reserved_for_positions=figure("reserved_for_positions"),
        realized_pnl=figure("realized_pnl"),
        available=figure("available"),
        differences=tuple(differences),
    )


def order_states(books: Books) -> Counter[str]:
    """Orders counted by state."""
    return Counter(order.status for order in books.orders.values())


def _profile_json(profile: ProfileLine) -> dict[str, Any]:
    return {
        "name": profile.name,
        "quote_asset": profile.quote_asset,
        "mode": profile.mode,
        "allocated": to_text(profile.allocated),
        "reserved_for_orders": to_text(profile.reserved_for_orders),
        "reserved_for_positions": to_text(profile.reserved_for_positions),
        "realized_pnl": to_text(profile.realized_pnl),
        "available": to_text(profile.available),
        "invariant_holds": not profile.broken,
    }


def _asset_json(line: AssetLine) -> dict[str, Any]:
    return {
        "asset": line.asset,
        "profiles": to_text(line.profiles),
        "unassigned": to_text(line.unassigned),
        "ledger": to_text(line.expected),
        "exchange": to_text(line.exchange),
        "equal": line.expected == line.exchange,
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
