"""Tenants, robots, accounts and profiles by command, on a real database and a paper exchange."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from engine.runtime.robot_keys import hash_robot_key
from tests.cli.commands import PAPER_KEY, PAPER_SECRET, CommandLine
from tests.cli.front import exchange_that_says
from tests.database.servers import Database


def test_tenant_is_created_listed_and_shown_by_name_and_id(cli: CommandLine) -> None:
    """A tenant is found by what it is called and by its id."""
    made = cli.made("tenants", "create", "acme")
    assert ("acme", "active") == (made["name"], made["mode"])
    assert [made] == cli.made("tenants", "list")
    assert made == cli.made("tenants", "show", "acme") == cli.made("tenants", "show", made["tenant_id"])


def test_same_tenant_twice_is_refused(cli: CommandLine) -> None:
    """A name that exists is refused with its code and exit code 5."""
    cli.made("tenants", "create", "acme")
    ran = cli("tenants", "create", "acme", "-o", "json")
    assert (5, "ALREADY_EXISTS") == (ran.code, ran.problem["code"])


@pytest.mark.parametrize("name", ["", "two words", "-dash", "é", "x" * 65, "a';--"])
def test_what_is_no_name_is_refused(cli: CommandLine, name: str) -> None:
    """A bad name is wrong usage, with a code, and makes nothing."""
    ran = cli("tenants", "create", "--output", "json", "--", name)
    assert 2 == ran.code
    assert "BAD_REQUEST" == ran.problem["code"]
    assert [] == cli.made("tenants", "list")


def test_unknown_tenant_is_not_found_and_names_the_known(cli: CommandLine) -> None:
    """A wrong name shows what there is, with exit code 4."""
    cli.made("tenants", "create", "acme")
    ran = cli("robots", "list", "acne")
    assert 4 == ran.code
    assert "NOT_FOUND: There is no tenant 'acne'; there is: acme." in ran.err


def test_robot_key_is_shown_once_and_stored_hashed(cli: CommandLine, database: Database) -> None:
    """The printed key is the one whose hash is stored; no list shows it again."""
    cli.made("tenants", "create", "acme")
    made = cli.made("robots", "create", "acme", "ada")
    assert made["key"].startswith("hf_")
    assert hash_robot_key(made["key"]) == asyncio.run(_only_key_hash(database))
    assert made["key"] not in json.dumps(cli.made("robots", "list", "acme"))


def test_rotating_a_key_revokes_the_old_one(cli: CommandLine) -> None:
    """After a rotation one key lives: the new one; with --keep-old both do."""
    cli.made("tenants", "create", "acme")
    first = cli.made("robots", "create", "acme", "ada")
    second = cli.made("robots", "rotate-key", "acme", "ada")
    assert [first["key_id"]] == second["revoked"]
    third = cli.made("robots", "rotate-key", "acme", "ada", "--keep-old")
    assert [] == third["revoked"]
    keys = cli.made("robots", "list-keys", "acme", "ada")
    assert {second["key_id"], third["key_id"]} == {k["key_id"] for k in keys if k["revoked_at"] is None}


def test_revoking_one_key_leaves_the_others(cli: CommandLine) -> None:
    """revoke-key takes one key by id, refuses a foreign one, and takes all without an id."""
    cli.made("tenants", "create", "acme")
    first = cli.made("robots", "create", "acme", "ada")
    second = cli.made("robots", "rotate-key", "acme", "ada", "--keep-old")
    assert [first["key_id"]] == cli.made("robots", "revoke-key", "acme", "ada", "--key-id", first["key_id"])[
        "revoked"
    ]
    again = cli("robots", "revoke-key", "acme", "ada", "--key-id", first["key_id"], "-o", "json")
    assert (4, "NOT_FOUND") == (again.code, again.problem["code"])
    assert [second["key_id"]] == cli.made("robots", "revoke-key", "acme", "ada")["revoked"]


def test_account_is_registered_with_uid_baseline_and_instruments(acme: CommandLine) -> None:
    """What the exchange holds becomes the unassigned baseline, less what a profile was given."""
    account = acme.made("accounts", "show", "acme", "main")
    assert {"BTC": "0.5", "USDT": "9000"} == account["unassigned"]
    assert account["exchange_account_uid"].isdigit()
    assert "A" == account["tier"]
    assert [account["account_id"]] == [row["account_id"] for row in acme.made("accounts", "list", "acme")]
    assert PAPER_SECRET not in json.dumps(account)


def test_account_of_another_tenant_is_refused(acme: CommandLine, paper: str) -> None:
    """One exchange account belongs to one tenant, and nothing is left of the attempt."""
    acme.made("tenants", "create", "other")
    ran = acme(
        "accounts", "create", "other", "mine", "--key", PAPER_KEY, "--secret", PAPER_SECRET,
        "--paper", paper, "-o", "json",
    )  # fmt: skip
    assert (5, "ALREADY_EXISTS") == (ran.code, ran.problem["code"])
    assert [] == acme.made("accounts", "list", "other")


def test_credentials_come_from_file_stdin_environment_or_prompt(cli: CommandLine, paper: str) -> None:
    """Keys need not stand in the shell history: each other way leads to the same account."""
    cli.made("tenants", "create", "acme")
    given = json.dumps({"key": PAPER_KEY, "secret": PAPER_SECRET})
    words = ("accounts", "create", "acme", "main", "--paper", paper)
    assert 0 == cli(*words, "--credentials", "-", typed=given).code
    for ran in (
        cli(*words, HOLDFAST_ACCOUNT_KEY=PAPER_KEY, HOLDFAST_ACCOUNT_SECRET=PAPER_SECRET),
        cli(*words, typed=f"{PAPER_KEY}\n{PAPER_SECRET}\n"),
    ):
        assert 5 == ran.code  # the same account again: the credentials were right
        assert "ALREADY_EXISTS" in ran.err


def test_wrong_keys_and_no_exchange_are_told(cli: CommandLine, paper: str) -> None:
    """A refused key and a closed port are exit code 3 and leave nothing behind."""
    cli.made("tenants", "create", "acme")
    for url in (paper, "http://127.0.0.1:9"):
        ran = cli(
            "accounts",
            "create",
            "acme",
            "main",
            "--key",
            "no",
            "--secret",
            "no",
            "--paper",
            url,
            "-o",
            "json",
        )
        assert (3, "EXCHANGE_UNAVAILABLE") == (ran.code, ran.problem["code"])
    assert [] == cli.made("accounts", "list", "acme")


def test_key_that_can_withdraw_is_refused(cli: CommandLine, paper: str) -> None:
    """Where the exchange tells that a key may move money out, the account is not registered."""
    cli.made("tenants", "create", "acme")
    words = ("accounts", "create", "acme", "main", "--key", PAPER_KEY, "--secret", PAPER_SECRET, "-o", "json")
    with exchange_that_says(paper, "/sapi/v1/account/apiRestrictions", {"enableWithdrawals": True}) as origin:
        ran = cli(*words, "--paper", origin)
    assert (5, "FORBIDDEN") == (ran.code, ran.problem["code"])
    assert "withdraw" in ran.problem["message"]
    assert [] == cli.made("accounts", "list", "acme")
    with exchange_that_says(
        paper, "/sapi/v1/account/apiRestrictions", {"enableWithdrawals": False}
    ) as origin:
        assert 0 == cli(*words, "--paper", origin).code


@pytest.mark.parametrize(
    "more",
    [
        ("--paper", "http://127.0.0.1:1", "--url", "http://127.0.0.1:2"),
        ("--url", "http://127.0.0.1:2"),
        ("--credentials", "/does/not/exist"),
    ],
)
def test_addresses_that_do_not_fit_are_wrong_usage(cli: CommandLine, more: tuple[str, ...]) -> None:
    """--paper stands alone, and the three other addresses stand together."""
    ran = cli("accounts", "create", "acme", "main", "--key", "k", "--secret", "s", *more)
    assert 2 == ran.code
    assert "Usage" in ran.err


def test_profile_gets_its_capital_and_shows_it(acme: CommandLine) -> None:
    """A new profile has its allocation available, by name and by id."""
    shown = acme.made("profiles", "show", "acme", "alpha")
    assert ("1000", "1000", "USDT") == (shown["allocated"], shown["available"], shown["quote_asset"])
    assert shown == acme.made("profiles", "show", "acme", shown["profile_id"])
    assert ["alpha"] == [row["name"] for row in acme.made("profiles", "list", "acme")]
    UUID(shown["profile_id"])


def test_allocate_and_withdraw_move_capital_once_per_key(acme: CommandLine) -> None:
    """The same key twice moves the money once, and says so."""
    words = ("profiles", "allocate", "acme", "alpha", "250.5", "--reason", "more", "--key", "k1")
    assert ("1250.5", False) == _figures(acme.made(*words))
    assert ("1250.5", True) == _figures(acme.made(*words))
    taken = acme.made("profiles", "withdraw", "acme", "alpha", "250.5", "--reason", "less")
    assert ("1000", False) == _figures(taken)
    assert taken["idempotency_key"].startswith("cli-")


def test_impossible_amounts_are_refused(acme: CommandLine) -> None:
    """An amount that cannot be moved is refused with its code and moves nothing."""
    for command, amount, code in (
        ("allocate", "9000.00000001", "ACCOUNT_CAPITAL_EXCEEDED"),
        ("withdraw", "1000.01", "INSUFFICIENT_CAPITAL"),
        ("allocate", "NaN", "INVALID_NUMBER"),
        ("allocate", "1e3", "INVALID_NUMBER"),
        ("allocate", "0", "INVALID_NUMBER"),
        ("allocate", "1" * 41, "INVALID_NUMBER"),
        ("allocate", "0.0000000000000000001", "INVALID_NUMBER"),
    ):
        ran = acme("profiles", command, "acme", "alpha", amount, "--reason", "try", "-o", "json")
        assert (5, code) == (ran.code, ran.problem["code"]), amount
    ran = acme("profiles", "allocate", "acme", "alpha", "--reason", "try", "-o", "json", "--", "-1")
    assert (5, "INVALID_NUMBER") == (ran.code, ran.problem["code"])
    assert "1000" == acme.made("profiles", "show", "acme", "alpha")["available"]


def test_key_with_other_content_is_refused(acme: CommandLine) -> None:
    """One idempotency key means one movement."""
    acme.made("profiles", "allocate", "acme", "alpha", "1", "--reason", "a", "--key", "k1")
    ran = acme("profiles", "allocate", "acme", "alpha", "2", "--reason", "a", "--key", "k1", "-o", "json")
    assert (5, "IDEMPOTENCY_KEY_REUSED") == (ran.code, ran.problem["code"])


def test_mode_is_set_with_a_reason(acme: CommandLine) -> None:
    """A mode needs a reason, and both show afterwards."""
    words = ("profiles", "set-mode", "acme", "alpha", "halted")
    assert 2 == acme(*words).code
    shown = acme.made(*words, "--reason", "looks odd")
    assert ("halted", "looks odd") == (shown["mode"], shown["mode_reason"])
    assert "active" == acme.made(*words[:-1], "active", "--reason", "was nothing")["mode"]


def test_mode_of_an_account_is_set_with_a_reason(acme: CommandLine) -> None:
    """An account is stopped and resumed by an operator, with a reason; an unknown mode is refused."""
    words = ("accounts", "set-mode", "acme", "main", "reducing")
    assert 2 == acme(*words).code
    assert 2 == acme(*words[:-1], "paused", "--reason", "x").code
    shown = acme.made(*words, "--reason", "odd balances")
    assert ("reducing", "odd balances") == (shown["mode"], shown["mode_reason"])
    assert "active" == acme.made(*words[:-1], "active", "--reason", "explained")["mode"]


def test_the_exchanges_timer_needs_a_word_and_an_exchange_that_has_one(acme: CommandLine) -> None:
    """Without --ours-alone, with both or neither of --seconds and --off it is refused, and for Binance."""
    words = ("accounts", "cancel-all-after", "acme", "main", "--reason", "nights")
    on = ("--seconds", "60", "--ours-alone")
    for wrong in ((), on[:2], ("--ours-alone",), (*on, "--off"), ("--off", "--ours-alone")):
        assert 2 == acme(*words, *wrong).code, wrong
    assert 2 == acme(*words[:-2], *on).code
    ran = acme(*words, *on, "-o", "json")
    assert "EXCHANGE_TIMER_UNAVAILABLE" == ran.problem["code"]
    assert ran.problem["message"].startswith("binance has no timer")
    assert acme.made("accounts", "show", "acme", "main")["exchange_timer"] is None
    assert acme.made(*words, "--off")["exchange_timer"] is None


def test_spec_is_checked_before_anything_is_made(acme: CommandLine, tmp_path: Path) -> None:
    """A good spec is stored as version 1, a bad one names its wrong key and makes no profile."""
    spec = tmp_path / "spec.json"
    words = (
        "profiles",
        "create",
        "acme",
        "beta",
        "--account",
        "main",
        "--quote",
        "USDT",
        "--spec",
        str(spec),
    )
    for text, code, exit_code in (
        ('{"max_slippage": 0.1}', "SPEC_INVALID_SCHEMA", 5),
        ('{"symbol": ["BTC/USDT"]}', "SPEC_INVALID_SCHEMA", 5),
        ("[]", "SPEC_INVALID_SCHEMA", 5),
    ):
        spec.write_text(text)
        ran = acme(*words, "-o", "json")
        assert (exit_code, code) == (ran.code, ran.problem["code"])
    spec.write_text("{")
    assert 2 == acme(*words).code
    spec.write_text('{"symbols": ["BTC/USDT"], "max_order_notional": "100", "quote_max_age_ms": 500}')
    assert 1 == acme.made(*words)["spec_version"]
    assert ["alpha", "beta"] == [row["name"] for row in acme.made("profiles", "list", "acme")]


async def _only_key_hash(database: Database) -> bytes:
    conn = await asyncpg.connect(database.admin_url)
    try:
        found: bytes = await conn.fetchval("SELECT key_hash FROM engine.robot_keys")
    finally:
        await conn.close()
    return found


def _figures(moved: dict[str, object]) -> tuple[object, object]:
    return moved["available"], moved["replay"]
