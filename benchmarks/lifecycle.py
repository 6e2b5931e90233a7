"""Lifecycle functions against pgbench's TPC-B on the same server, as ratios of one run, repeated.

    .venv/bin/python benchmarks/lifecycle.py [--rounds 3] [--transactions 4000] [--json FILE]

Each round runs TPC-B and every case in turn, with the same client count; a case's ratio is its calls (or
rows) per second over that round's TPC-B transactions per second. Beside it stands the ratio of CPU, server
and pgbench together, which other work on the machine moves less. Medians over the rounds are printed.
All of it is prepared, as a daemon's statements are. TPC-B as pgbench runs it unless told otherwise, parsed
and planned each time, is printed as a second ratio.
What each client pays once, on its first calls, is left out for TPC-B and the cases alike (see pgbench.py) and
printed in CPU. An item is made as a caller makes it: a text that the server parses as JSON. The server makes
that text, too, which is charged to the case: 8 µs for one item.
"""

import argparse
import asyncio
import json
import re
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
from pgbench import WARM_UP, Pgbench, Rate

from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres

TENANT = UUID(int=1)
ACCOUNT = UUID(int=2)
ROBOT = UUID(int=3)
PROFILES = 64
SYMBOLS = 12_000
BATCH = 64

# pgbench expressions: n counts a client's own calls; ids grow with time, as UUIDv7 does. A client spreads its
# calls over eight profiles that no other client uses.
PREAMBLE = "\\set id :run * 1000000000 + :client_id * 10000000 + :n\n"
SPREAD = "\\set profile 1000 + :client_id * 8 + :n % 8\n\\set symbol :n / 8\n"
HOT = "\\set profile 1000\n\\set symbol :client_id * 1500 + :n\n"


def uuid_of(number: str) -> str:
    return f"'00000000-0000-7000-8000-' || lpad(to_hex(({number})::bigint), 12, '0')"


def text_of(prefix: str, number: str, suffix: str = "") -> str:
    return f"'{prefix}' || ({number})::bigint || '{suffix}'"


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON text with a %s for each SQL expression in it."""

    template: str
    expressions: tuple[str, ...] = ()

    def sql(self) -> str:
        return f"format({', '.join((chr(39) + self.template + chr(39), *self.expressions))})"


def object_of(**fields: "str | Text") -> Text:
    """Return an object: a quoted SQL text, null, true, false stand as they are, other SQL is formatted in."""
    parts, expressions = [], []
    for name, value in fields.items():
        if isinstance(value, Text):
            parts.append(f'"{name}": {value.template}')
            expressions += value.expressions
        elif value in {"null", "true", "false"}:
            parts.append(f'"{name}": {value}')
        elif re.fullmatch("'[^']*'", value):
            parts.append(f'"{name}": "{value[1:-1]}"')
        else:
            parts.append(f'"{name}": "%s"')
            expressions.append(value)
    return Text("{" + ", ".join(parts) + "}", tuple(expressions))


def call(function: str, item: Text, source: str = "") -> str:
    text = item.sql()
    if source:
        text = f"(SELECT string_agg({text}, ',') FROM {source})"  # noqa: S608 - our own text
    return f"SELECT engine.{function}('{TENANT}'::uuid, ('[' || {text} || ']')::jsonb);\n"


def entry_item(number: str, symbol: str) -> Text:
    return object_of(
        robot_id=f"'{ROBOT}'",
        profile_id=uuid_of(":profile"),
        idempotency_key=text_of("k", number),
        request_hash=text_of("h", number),
        intent_id=uuid_of(number),
        client_order_id=text_of("c", number),
        symbol=text_of("S", symbol, "/USDT"),
        type="'limit'",
        quantity="'0.01'",
        limit_price="'50000'",
        time_in_force="'GTC'",
        post_only="false",
        label="null",
        owner=f"'{ROBOT}'",
        lock_ttl_ms="'30000'",
        exchange_deadline="'2026-11-21T00:00:05Z'",
    )


def persist_item(number: str, symbol: str) -> Text:
    fill = object_of(
        account_id=f"'{ACCOUNT}'",
        symbol=text_of("S", symbol, "/USDT"),
        exchange_order_id=text_of("x", number),
        exchange_trade_id=text_of("t", number),
        client_order_id=text_of("c", number),
        side="'buy'",
        price="'49990'",
        quantity="'0.01'",
        fee_quantity="'0.4999'",
        fee_asset="'USDT'",
        fee_rate="null",
        rate_source="null",
        maker="false",
        exchange_time="'2026-11-21T00:00:01Z'",
        source="'create'",
        inferred="false",
    )
    return object_of(
        intent_id=uuid_of(number),
        exchange_order_id=text_of("x", number),
        status="'filled'",
        filled_quantity="'0.01'",
        exchange_time="'2026-11-21T00:00:01Z'",
        evidence="null",
        fills=Text(f"[{fill.template}]", fill.expressions),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One measured call: its script, how many rows a call carries, and the ratio it must reach."""

    name: str
    script: str
    rows: int
    wanted: float | None
    calls: int  # divides the round's transactions: a batch needs fewer calls

    def transactions(self, of_the_round: int) -> int:
        """Return how many calls a client makes."""
        return max(of_the_round // self.calls, 3)

    @property
    def warm_up(self) -> int:
        """Return a client's calls that are not measured."""
        return WARM_UP if self.rows == 1 else WARM_UP // 4


BATCHED = (":id::bigint * 100 + g", ":symbol + g")
GENERATED = f"generate_series(0, {BATCH - 1}) g"
PLAIN = (":id", ":symbol")


def cases() -> list[Case]:
    spread, hot = PREAMBLE + SPREAD, PREAMBLE + HOT
    batch = PREAMBLE + f"\\set profile 1000 + :client_id * 8 + :n % 8\n\\set symbol :n / 8 * {BATCH}\n"
    replay = (PREAMBLE + SPREAD).replace(":n\n", "1 + :n % 50\n", 1)
    return [
        Case("open entry, spread", spread + call("fn_open_entry", entry_item(*PLAIN)), 1, 0.8, 1),
        Case("replay of a key", replay + call("fn_open_entry", entry_item(*PLAIN)), 1, 3.0, 1),
        Case("persist entry with its fill, spread",
             spread + call("fn_persist_entry_lifecycle", persist_item(*PLAIN)), 1, None, 1),
        Case("open entry, one hot profile", hot + call("fn_open_entry", entry_item(*PLAIN)), 1, 0.45, 1),
        Case("persist entry with its fill, one hot profile",
             hot + call("fn_persist_entry_lifecycle", persist_item(*PLAIN)), 1, None, 1),
        Case("open entry, arrays of 64 (rows)",
             batch + call("fn_open_entry", entry_item(*BATCHED), GENERATED), BATCH, 3.0, 16),
        Case("persist entry with fills, arrays of 64 (rows)",
             batch + call("fn_persist_entry_lifecycle", persist_item(*BATCHED), GENERATED), BATCH, None, 16),
    ]  # fmt: skip


async def seed(url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"role": "holdfast_engine"})
    try:
        await connection.execute("SELECT engine.fn_init_engine('abcd')")
        await connection.execute("SELECT engine.fn_create_tenant($1, 'bench', 'bench')", TENANT)
        await connection.execute("SELECT engine.fn_create_robot($1, $2, 'bench', 'bench')", TENANT, ROBOT)
        account = {
            "account_id": str(ACCOUNT), "name": "bench", "exchange": "binance", "exchange_account_uid": "1",
            "tier": "A", "urls": {}, "credentials": "AA==",
        }  # fmt: skip
        await connection.execute(
            "SELECT engine.fn_register_account($1, $2, $3, 'bench')",
            TENANT, json.dumps(account), json.dumps({"USDT": "90000000000000"}),
        )  # fmt: skip
        instruments = [
            {
                "symbol": f"S{n}/USDT", "base_asset": f"S{n}", "quote_asset": "USDT", "tick_size": "0.01",
                "lot_size": "0.00001", "min_quantity": "0.00001", "max_quantity": "9000",
                "min_notional": "5", "max_notional": "9000000", "active": True,
                "maker_fee_rate": "0.001", "taker_fee_rate": "0.001",
            }
            for n in range(SYMBOLS)
        ]  # fmt: skip
        await connection.execute(
            "SELECT engine.fn_upsert_instruments($1, $2, $3)", TENANT, ACCOUNT, json.dumps(instruments)
        )
        for n in range(PROFILES):
            profile = UUID(int=(0x7000 << 64) | (0x8000 << 48) | (1000 + n))
            await connection.execute(
                "SELECT engine.fn_create_profile($1, $2, $3, $4, 'USDT', '{}', 'x', 'bench')",
                TENANT, profile, ACCOUNT, f"p{n}",
            )  # fmt: skip
            await connection.execute(
                "SELECT engine.fn_allocate($1, $2, 1000000000000, $3, 'bench', 'bench')",
                TENANT,
                profile,
                f"a{n}",
            )
    finally:
        await connection.close()


def identity(run: int, case: Case) -> int:
    """Number the ids of a round: what one case opens, the next one persists."""
    return run * 4 + ("hot" in case.name) + 2 * (case.rows > 1)


async def settle(url: str) -> None:
    """Do at once what autovacuum does within a minute: without figures a plan may take the wrong index."""
    admin = await asyncpg.connect(url)
    try:
        await admin.execute("VACUUM ANALYZE")
    finally:
        await admin.close()


def run(bench: Pgbench, case: Case, clients: int, transactions: int, number: int) -> Rate:
    """Run a case; its rate counts calls."""
    return bench.run(
        "holdfast", case.script, clients, case.transactions(transactions),
        warm_up=case.warm_up, role="holdfast_engine", run=number,
    )  # fmt: skip


def measure(bench: Pgbench, rounds: int, transactions: int) -> list[dict[str, object]]:
    table: list[dict[str, object]] = []
    number = 0
    for clients in (1, 8):
        ratios: dict[str, list[float]] = {}
        cpu: dict[str, list[float]] = {}
        cold: dict[str, list[float]] = {}
        unprepared: dict[str, list[float]] = {}
        per_client = transactions // (1 if clients == 1 else 4)
        for _ in range(rounds):
            number += 1
            baseline = bench.tpcb(clients, per_client)
            simple = bench.tpcb(clients, per_client, "simple")
            for case in cases():
                rate = run(bench, case, clients, per_client, identity(number, case))
                ratios.setdefault(case.name, []).append(rate.per_s * case.rows / baseline.per_s)
                unprepared.setdefault(case.name, []).append(rate.per_s * case.rows / simple.per_s)
                cpu.setdefault(case.name, []).append(baseline.cpu_s * case.rows / rate.cpu_s)
                cold.setdefault(case.name, []).append(rate.first_calls_cpu_s * 1000)
        table += [
            {
                "case": case.name,
                "clients": clients,
                "ratio": round(statistics.median(ratios[case.name]), 2),
                "low": round(min(ratios[case.name]), 2),
                "high": round(max(ratios[case.name]), 2),
                "to_simple": round(statistics.median(unprepared[case.name]), 2),
                "by_cpu": round(statistics.median(cpu[case.name]), 2),
                "first_calls_cpu_ms": round(statistics.median(cold[case.name])),
                "wanted": case.wanted,
            }
            for case in cases()
        ]
    return table


def main() -> None:
    """Print the table; exit with 1 if a wanted ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--transactions", type=int, default=4000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-bench-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        Path(folder).chmod(0o755)  # the server may run as another user
        server = stack.enter_context(EmbeddedPostgres(Path(folder) / "data", settings=settings))
        url = server.url()
        asyncio.run(deploy(url))
        asyncio.run(seed(url))
        bench = Pgbench(url, server.pid or 0, Path(folder))
        bench.initialise()
        for case in cases()[:3]:
            run(bench, case, 1, 200, 0)
        asyncio.run(settle(url))
        table = measure(bench, options.rounds, options.transactions)
    for row in table:
        print(f"{row['case']:48} {row['clients']:>2} clients  {row['ratio']:>6} x TPC-B "
              f"({row['low']}-{row['high']}), by CPU {row['by_cpu']}, to simple TPC-B {row['to_simple']}, "
              f"first calls {row['first_calls_cpu_ms']} ms; wanted {row['wanted'] or '-'}")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))
    if any(row["wanted"] and row["ratio"] < row["wanted"] for row in table):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
