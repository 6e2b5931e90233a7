"""Proves that credentials open only with the right key for the right account."""

import base64
import os
import stat
from pathlib import Path

import pytest

from engine.runtime.secrets import SecretsError, Vault, open_vault

GIVEN = {"key": "k", "secret": "s"}


def test_round_trip_and_owner() -> None:
    """What is sealed for an account opens for it, and for no other account and no other key."""
    vault = Vault(os.urandom(32))
    sealed = vault.encrypt(GIVEN, "account")
    assert GIVEN == vault.decrypt(sealed, "account")
    assert b"secret" not in sealed
    for other, owner in ((vault, "other"), (Vault(os.urandom(32)), "account")):
        with pytest.raises(SecretsError):
            other.decrypt(sealed, owner)
    with pytest.raises(SecretsError):
        vault.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), "account")


def test_key_file(tmp_path: Path) -> None:
    """The key file is made once, for its owner only, and refused when others can read it."""
    sealed = open_vault(None, tmp_path).encrypt(GIVEN, "a")
    path = tmp_path / "master.key"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert GIVEN == open_vault(None, tmp_path).decrypt(sealed, "a")
    path.chmod(0o644)
    with pytest.raises(SecretsError):
        open_vault(None, tmp_path)


def test_key_of_the_environment(tmp_path: Path) -> None:
    """A given key is used instead of a file; a wrong one is named as wrong."""
    key = base64.b64encode(os.urandom(32)).decode()
    sealed = open_vault(key, tmp_path).encrypt(GIVEN, "a")
    assert GIVEN == open_vault(key, tmp_path).decrypt(sealed, "a")
    assert [] == list(tmp_path.iterdir())
    for wrong in ("short", "c2hvcnQ="):
        with pytest.raises(SecretsError):
            open_vault(wrong, tmp_path)
