"""The migrations that put several rows into one: what an older database holds is there afterwards, once."""

import shutil
from decimal import Decimal
from pathlib import Path

from engine.deploy.deployment import deploy
from engine.deploy.sources import default_sql_dir
from tests.database.servers import Database

FIRST_OF_THEM = "20261121000300"
TENANT, ACCOUNT, PROFILE, INTENT, ENDED = (f"00000000-0000-0000-0000-00000000000{n}" for n in range(1, 6))

# One tenant's rows in the older schema: an entry that is being sent, one that ended, a stored denial.
OLDER = """
INSERT INTO engine.tenants VALUES (:T, 'one', 'active', NULL, now());
INSERT INTO engine.exchange_accounts VALUES
  (:T, :A, 'a', 'binance', '1', 'A', '{}', '', 'halted', NULL, now());
INSERT INTO engine.profiles VALUES (:T, :P, :A, 'p', 'USDT', 1, now());
INSERT INTO engine.profile_specs VALUES (:T, :P, 1, '{}', 'x', 'me', now());
INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
  quantity, limit_price, time_in_force, post_only, client_order_id, state, owner, fencing_token, expires_at,
  exchange_deadline, spec_version, created_at, updated_at)
SELECT :T, i, :P, :A, :T, 'entry', 'BTC/USDT', 'buy', 'limit', 1, 10, 'GTC', false, c, s, :T, 7, now(), now(),
  1, now(), now()
FROM (VALUES (:I::uuid, 'c1', 'sending'), (:E, 'c2', 'not_placed')) v (i, c, s);
INSERT INTO engine.reservations VALUES
  (:T, :I, :P, 'quote', 10, 10, NULL), (:T, :E, :P, 'quote', 10, 0, now());
INSERT INTO engine.entry_locks VALUES (:T, :P, 'BTC/USDT', :I, :T, 7, now(), now());
INSERT INTO engine.economic_events VALUES
  (:T, 5, :P, 1, 'reserve', 'k', :I, 'me', NULL, NULL, 1, NULL, now());
INSERT INTO engine.journal VALUES
  (:T, 5, 1, :P, 'RESERVED_FOR_ORDERS', 'AVAILABLE', 9, 9, 91),
  (:T, 5, 2, :P, 'FEES', 'AVAILABLE', 1, 1, 90);
INSERT INTO engine.outbox VALUES
  (:T, 5, :P, :I, 'entry.sending', '{"n": 1}', now(), 3),
  (:T, 6, :P, NULL, 'entry.denied', '{"n": 2}', now(), NULL);
INSERT INTO engine.idempotency_keys VALUES
  (:T, :T, 'k1', 'h', :I, NULL, now()), (:T, :T, 'k2', 'h', NULL, '{"code": "MODE_HALTED"}', now());
"""
IDS = {":T": TENANT, ":A": ACCOUNT, ":P": PROFILE, ":I": INTENT, ":E": ENDED}


def older() -> str:
    """The rows with their ids."""
    text = OLDER
    for name, value in IDS.items():
        text = text.replace(name, f"'{value}'")
    return text


async def test_an_older_databases_rows_move_over(empty_database: Database, tmp_path: Path) -> None:
    """Reservations, locks, journal lines, events and feed rows of every tenant are what they were before."""
    (tmp_path / "migrations").mkdir()
    for file in (default_sql_dir() / "migrations").glob("*.sql"):
        if file.name < FIRST_OF_THEM:
            shutil.copy(file, tmp_path / "migrations")
    (tmp_path / "functions").mkdir()
    shutil.copy(default_sql_dir() / "functions" / "fn_clock.sql", tmp_path / "functions")
    await deploy(empty_database.deployer_url, tmp_path)
    admin = await empty_database.admin()
    await admin.execute(older())
    await deploy(empty_database.deployer_url)
    held = "SELECT intent_id::text, unit, amount, remaining, released_at IS NULL FROM engine.reservations"
    assert [(INTENT, "quote", 10, 10, True), (ENDED, "quote", 10, 0, False)] == [
        tuple(row) for row in await admin.fetch(f"{held} ORDER BY 1")
    ]
    lock = await admin.fetchrow("SELECT intent_id::text, owner::text, fencing_token FROM engine.entry_locks")
    assert (INTENT, TENANT, 7) == tuple(lock or ())
    journal = await admin.fetch(
        "SELECT line, debit_account, amount, credit_balance FROM engine.journal ORDER BY 1"
    )
    assert [(1, "RESERVED_FOR_ORDERS", Decimal(9), Decimal(91)), (2, "FEES", Decimal(1), Decimal(90))] == [
        tuple(row) for row in journal
    ]
    events = await admin.fetch("SELECT event_id, version, type, idempotency_key FROM engine.economic_events")
    assert [(5, 1, "reserve", "k")] == [tuple(row) for row in events]
    feed = await admin.fetch("SELECT event_id, type, payload, seq FROM engine.outbox ORDER BY 1")
    assert [(5, "entry.sending", '{"n": 1}', 3), (6, "entry.denied", '{"n": 2}', None)] == [
        tuple(r) for r in feed
    ]
    keys = await admin.fetch(
        "SELECT intent_id::text, idempotency_key, request_hash FROM engine.intents ORDER BY 1"
    )
    assert [(INTENT, "k1", "h"), (ENDED, ENDED, "")] == [tuple(row) for row in keys]
    denials = await admin.fetch("SELECT key, request_hash, denial FROM engine.denials")
    assert [("k2", "h", '{"code": "MODE_HALTED"}')] == [tuple(row) for row in denials]
    profile = await admin.fetchrow("SELECT account_active, tenant_active, spec_is_empty FROM engine.profiles")
    assert (False, True, True) == tuple(profile or ())
