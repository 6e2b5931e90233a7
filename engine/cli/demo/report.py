"""The demo's last screen: plain text that says what happened and whether all of it holds."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from engine.cli.demo.books import by_number, sentence
from engine.cli.demo.crash import Recovery
from engine.cli.demo.listener import Heard
from engine.cli.demo.result import Result, order_states
from engine.cli.demo.stranger import Wall
from engine.domain.money import to_text

_SHOWN_PROBLEMS = 12
_LABEL = 14
_PLACES = 8


def render(result: Result, *, every_line: bool = False) -> str:
    """Return the screen, without colours; at most about 60 lines of 100 characters.

    `every_line` adds each order and fill of both books.
    """
    lines = ["", *_capital(result), "", *_events(result), "", *_comparison(result), ""]
    if every_line:
        lines += [*_lines(result), ""]
    problems = result.problems
    if not problems:
        lines.append(
            "All of it holds: nothing sent twice, nothing lost, nothing counted twice."
            f" {result.seconds:.1f} s."
        )
        return "\n".join(lines)
    lines.append(f"This does not hold ({len(problems)}):")
    lines += [f"  {text}" for text in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        lines.append(f"  … and {len(problems) - _SHOWN_PROBLEMS} more (DEMO_JSON=FILE keeps all of them)")
    if result.complaints:
        lines += ["What the daemon's log complained of last:", *(f"  {text}" for text in result.complaints)]
    return "\n".join(lines)


def _capital(result: Result) -> list[str]:
    heads = ("profile", "allocated", "in orders", "in positions", "realized pnl", "available", "journal")
    rows = [
        (
            profile.name,
            _money(profile.allocated),
            _money(profile.reserved_for_orders),
            _money(profile.reserved_for_positions),
            _money(profile.realized_pnl),
            _money(profile.available),
            "differs" if profile.broken else "equal",
        )
        for profile in result.profiles
    ]
    quote = result.profiles[0].quote_asset if result.profiles else ""
    checked = f"{result.tally.readings:,} times while trading, then rebuilt from the journal"
    return [
        f"CAPITAL  in {quote}: available = allocated - in orders - in positions + realized pnl, fees in it",
        *_table(heads, rows, "lrrrrrl"),
        f"  checked {checked}: {len(result.invariant_violations)} violations (shown to {_PLACES} decimals)",
    ]


def _events(result: Result) -> list[str]:
    tally = result.tally
    p50, p99 = tally.entry_ms(0.5), tally.entry_ms(0.99)
    latency = "no entry was placed"
    if p50 is not None and p99 is not None:
        latency = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, request to recorded confirmation, waiting included"
    rows = [
        ("intents", sum(result.intent_states.values()), _counted(result.intent_states)),
        ("orders", len(result.ledger.orders), _counted(order_states(result.ledger))),
        ("fills", len(result.ledger.fills), ""),
        ("denied", sum(tally.denials.values()), _counted(tally.denials)),
        ("sent twice", tally.sent_twice, f"{result.duplicates} duplicate orders at the exchange"),
    ]
    return [
        "WHAT HAPPENED",
        *(
            line
            for label, count, detail in rows
            for line in _wrapped(f"  {label:<{_LABEL}}{count:>6,}", detail)
        ),
        f"  {'entry':<{_LABEL}}{'':>6}  {latency}",
        *_walls(result.acts.wall),
        *_recovery(result.acts.recovery),
        *_feed(result.acts.heard),
    ]


def _walls(wall: Wall) -> list[str]:
    head = f"  {'walls':<{_LABEL}}{len(wall.attempts):>6,}"
    verdict = f"{wall.refused} refused, {wall.counted} counted, {wall.audited} audited"
    return [
        f"{head}  attempts by another tenant's robot, by id: {verdict}",
        *_wrapped(" " * len(head), ", ".join(wall.attempts)),
    ]


def _feed(heard: Heard) -> list[str]:
    gap = f"{heard.holes + heard.behind:,} missing" if heard.holes or heard.behind else "no gap"
    twice = f"{heard.repeated:,} told twice" if heard.repeated else "no duplicate"
    seqs = ", ".join(map(str, heard.resumed_after)) or "never"
    return [
        f"  {'feed':<{_LABEL}}{heard.events:>6,}  events to a client that the kill cut off: {gap}, {twice}",
        f"  {'resumed':<{_LABEL}}{'':>6}  after seq {seqs}: {heard.told_after_resume:,} of them came then",
    ]


def _recovery(found: Recovery) -> list[str]:
    proven = f"intents in doubt -> {found.proven} proven: an answer lost, the daemon killed (-9) mid-order"
    again = (
        "the same key gave the robot its order" if found.same_answer else "the same key gave another answer"
    )
    times = f"in {found.seconds:.1f} s, ready after {found.ready_seconds:.1f} s"
    return [
        f"  {'crash':<{_LABEL}}{found.unknown:>6,}  {proven}",
        f"  {'recovered':<{_LABEL}}{'':>6}  {times}; {again}",
    ]


def _comparison(result: Result) -> list[str]:
    ledger, exchange = result.ledger, result.exchange
    differing = Counter(text.split(" ", 1)[0] for text in result.differences)
    rows = [
        ("orders", str(len(ledger.orders)), str(len(exchange.orders)), "", differing["order"]),
        ("fills", str(len(ledger.fills)), str(len(exchange.fills)), "", differing["fill"]),
    ]
    rows += [
        (
            line.asset,
            to_text(line.expected),
            to_text(line.exchange),
            f"= {to_text(line.profiles)} in profiles + {to_text(line.unassigned)} unassigned",
            int(line.expected != line.exchange),
        )
        for line in result.assets
    ]
    return [
        "THE LEDGER AGAINST THE EXCHANGE'S OWN BOOKS",
        *_table(
            ("", "ledger", "exchange", "", ""),
            [
                (what, here, there, _verdict(differing), detail)
                for what, here, there, detail, differing in rows
            ],
            "lrrll",
        ),
        "  orders by state and quantities, fills by price, quantity and fee; --lines shows each of them",
    ]


def _lines(result: Result) -> list[str]:
    """Every order and fill with what both sides say; a line that differs is marked."""
    lines = ["EVERY LINE, LEDGER | EXCHANGE"]
    for kind, ledger, exchange in (
        ("order", result.ledger.orders, result.exchange.orders),
        ("fill", result.ledger.fills, result.exchange.fills),
    ):
        for key in sorted({*ledger, *exchange}, key=by_number):
            here, there = ledger.get(key), exchange.get(key)
            mark = "=" if here == there else "DIFFERS"
            lines.append(f"  {kind} {' '.join(key)}: {sentence(here)} | {sentence(there)}  {mark}")
    return lines


def _verdict(differing: int) -> str:
    return "equal" if not differing else "1 differs" if differing == 1 else f"{differing} differ"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], sides: str) -> list[str]:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return [
        "  "
        + "  ".join(
            f"{cell:>{width}}" if side == "r" else f"{cell:<{width}}"
            for cell, width, side in zip(row, widths, sides, strict=True)
        ).rstrip()
        for row in (heads, *rows)
    ]


def _wrapped(head: str, detail: str, width: int = 98) -> list[str]:
    lines = [f"{head}  "]
    for part in detail.split(", "):
        if len(lines[-1]) + len(part) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append(" " * (len(head) + 2))
        lines[-1] += f"{part}, "
    lines[-1] = lines[-1].rstrip(", ")
    return lines


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())


def _money(number: Decimal) -> str:
    """Two to eight decimals; what that rounds is said below the table."""
    text = f"{number:,.{_PLACES}f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:<02}"
