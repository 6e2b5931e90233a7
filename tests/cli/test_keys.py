"""Keys by command: what a robot's may do and until when, and exchange credentials under a new master key."""

import base64
import json
import os
import urllib.request
from pathlib import Path

from engine.runtime.robot_keys import looks_like_robot_key
from tests.cli.commands import CONTROL_OF, CommandLine
from tests.cli.front import exchange_that_says


def test_keys_are_bounded_rotated_and_listed(cli: CommandLine) -> None:
    """Scopes and end are shown, a rotation keeps scopes, an overlap lets both live, a third is refused."""
    cli.made("tenants", "create", "acme")
    first = cli.made("robots", "create", "acme", "ada", "--scope", "read", "--expires-days", "7")
    assert looks_like_robot_key(first["key"])
    second = cli.made("robots", "rotate-key", "acme", "ada", "--overlap-s", "60")
    assert (["read"], [first["key_id"]]) == (second["scopes"], second["ending"])
    keys = cli.made("robots", "list-keys", "acme", "ada")
    assert [(True, ["read"])] * 2 == [(key["living"], key["scopes"]) for key in keys]
    third = cli("robots", "rotate-key", "acme", "ada", "--keep-old", "-o", "json")
    assert (5, "LIMIT_EXCEEDED") == (third.code, third.problem["code"])
    assert 2 == cli("robots", "rotate-key", "acme", "ada", "--keep-old", "--overlap-s", "1").code
    widened = cli.made("robots", "rotate-key", "acme", "ada", "--scope", "cancel")
    assert (["cancel"], 2) == (widened["scopes"], len(widened["revoked"]))


def test_credentials_move_to_a_new_master_key(acme: CommandLine, tmp_path: Path) -> None:
    """With a fresh key in the file every account is rewrapped once, and the exchange still answers."""
    (done,) = acme.made("accounts", "rewrap", "--make-key")
    assert done["rewrapped"]
    assert done["key_before"] != done["key"]
    (again,) = acme.made("accounts", "rewrap")
    assert (False, done["key"]) == (again["rewrapped"], again["key_before"])
    path = tmp_path / "master.key"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert 0 == acme("capital", "acme").code
    rows = acme.made("tenants", "audit", "acme")
    assert "rewrap_credentials" in [row["action"] for row in rows]


def test_a_key_of_the_environment_is_not_made_here(cli: CommandLine) -> None:
    """--make-key has no place to write to while the key is in the environment, and says what to do."""
    key = base64.b64encode(os.urandom(32)).decode()
    ran = cli("accounts", "rewrap", "--make-key", "-o", "json", HOLDFAST_MASTER_KEY=key)
    assert (3, "CONFIGURATION") == (ran.code, ran.problem["code"])
    assert key not in ran.out + ran.err


def test_what_the_exchange_cannot_tell_is_marked(acme: CommandLine, cli: CommandLine, paper: str) -> None:
    """An account says whether its key was proven unable to withdraw, or whether nobody could tell."""
    (shown,) = acme.made("accounts", "list", "acme")
    assert "none" == shown["withdrawal_right"]
    control = CONTROL_OF[paper]
    for given in ({"key": "k2", "secret": "s2"}, {"key": "k3", "secret": "s3", "can_withdraw": True}):
        body = json.dumps(given).encode()
        with urllib.request.urlopen(f"{control}/accounts", body) as answer:  # noqa: S310 - our own port
            assert 200 == answer.status
    words = ("accounts", "create", "acme", "second", "--key", "k2", "--secret", "s2", "--paper")
    with exchange_that_says(paper, "/sapi/v1/account/apiRestrictions", {"ipRestrict": False}) as origin:
        made = cli.made(*words, origin)
    assert "unverifiable" == made["withdrawal_right"]
    refused = cli(
        "accounts", "create", "acme", "third", "--key", "k3", "--secret", "s3", "--paper", paper, "-o", "json"
    )
    assert (5, "FORBIDDEN") == (refused.code, refused.problem["code"])
