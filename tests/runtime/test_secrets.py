"""Proves that credentials open only with the right key for the right account, and are rewrapped unharmed."""

import base64
import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.runtime.secrets import SecretsError, Vault, add_master_key, open_vault

GIVEN = {"key": "k", "secret": "canary"}
TENANT, ACCOUNT = uuid4(), uuid4()
OLD, NEW = os.urandom(32), os.urandom(32)


def first_form(key: bytes) -> bytes:
    """Seal as the first release did: with the master key itself, bound to the account's id."""
    nonce = os.urandom(12)
    plain = b'{"key": "k", "secret": "canary"}'
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, plain, str(ACCOUNT).encode())


def test_round_trip_and_owner() -> None:
    """What is sealed opens for its tenant and account, and for no other account, tenant or key."""
    vault = Vault(OLD)
    sealed = vault.encrypt(GIVEN, TENANT, ACCOUNT)
    assert GIVEN == vault.decrypt(sealed, TENANT, ACCOUNT)
    assert b"canary" not in sealed
    for other, tenant, account in (
        (vault, TENANT, uuid4()),
        (vault, uuid4(), ACCOUNT),
        (vault, ACCOUNT, TENANT),
        (Vault(NEW), TENANT, ACCOUNT),
    ):
        with pytest.raises(SecretsError):
            other.decrypt(sealed, tenant, account)


def test_every_changed_byte_is_seen() -> None:
    """No byte of an envelope can be changed, and none left out, without it failing to open."""
    vault = Vault(OLD)
    sealed = vault.encrypt(GIVEN, TENANT, ACCOUNT)
    for place in range(len(sealed)):
        wrong = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        for bad in (wrong, sealed[:place]):
            with pytest.raises(SecretsError):
                vault.decrypt(bad, TENANT, ACCOUNT)


def test_parts_of_two_envelopes_do_not_fit() -> None:
    """The wrapping of one envelope does not open the content of another of the same account."""
    vault = Vault(OLD)
    one, two = (vault.encrypt(GIVEN, TENANT, ACCOUNT) for _ in range(2))
    for place in (17, 77, 89):
        with pytest.raises(SecretsError):
            vault.decrypt(one[:place] + two[place:], TENANT, ACCOUNT)


def test_rewrapping_leaves_the_content() -> None:
    """A new master key opens what it rewrapped, the old one no longer; the sealed content stays as it was."""
    sealed = Vault(OLD).encrypt(GIVEN, TENANT, ACCOUNT)
    both = Vault(NEW, OLD)
    new = both.rewrap(sealed, TENANT, ACCOUNT)
    assert (Vault(OLD).key_id, Vault(NEW).key_id) == (Vault.key_id_of(sealed), Vault.key_id_of(new))
    assert sealed[-40:] == new[-40:]
    assert GIVEN == Vault(NEW).decrypt(new, TENANT, ACCOUNT)
    assert new == both.rewrap(new, TENANT, ACCOUNT)
    with pytest.raises(SecretsError, match="not known here"):
        Vault(OLD).decrypt(new, TENANT, ACCOUNT)
    with pytest.raises(SecretsError):
        both.rewrap(sealed, TENANT, uuid4())


def test_rows_of_before_are_readable_and_become_envelopes() -> None:
    """The first form opens with any known key, for its account alone; a rewrap makes an envelope of it."""
    sealed = first_form(OLD)
    assert GIVEN == Vault(NEW, OLD).decrypt(sealed, TENANT, ACCOUNT)
    assert Vault.key_id_of(sealed) is None
    new = Vault(NEW, OLD).rewrap(sealed, TENANT, ACCOUNT)
    assert GIVEN == Vault(NEW).decrypt(new, TENANT, ACCOUNT)
    for vault, account in ((Vault(NEW), ACCOUNT), (Vault(OLD), uuid4())):
        with pytest.raises(SecretsError):
            vault.decrypt(sealed, TENANT, account)


def test_key_file(tmp_path: Path) -> None:
    """The key file is made once, for its owner only, and refused when others can read it."""
    sealed = open_vault(None, tmp_path).encrypt(GIVEN, TENANT, ACCOUNT)
    path = tmp_path / "master.key"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert GIVEN == open_vault(None, tmp_path).decrypt(sealed, TENANT, ACCOUNT)
    path.chmod(0o644)
    with pytest.raises(SecretsError):
        open_vault(None, tmp_path)


def test_a_running_daemon_learns_of_a_new_key(tmp_path: Path) -> None:
    """A key that was put first in the file is found by a vault that was opened before it was there."""
    running = open_vault(None, tmp_path)
    before = running.encrypt(GIVEN, TENANT, ACCOUNT)
    add_master_key(tmp_path)
    assert 0o600 == stat.S_IMODE((tmp_path / "master.key").stat().st_mode)
    changed = open_vault(None, tmp_path)
    assert running.key_id != changed.key_id
    new = changed.rewrap(before, TENANT, ACCOUNT)
    assert GIVEN == running.decrypt(new, TENANT, ACCOUNT) == running.decrypt(before, TENANT, ACCOUNT)


def test_keys_of_the_environment(tmp_path: Path) -> None:
    """Given keys are used instead of a file, old ones to open alone; a wrong one is named as wrong."""
    old, new = (base64.b64encode(key).decode() for key in (OLD, NEW))
    sealed = open_vault(old, tmp_path).encrypt(GIVEN, TENANT, ACCOUNT)
    vault = open_vault(new, tmp_path, f" {old} , ")
    assert GIVEN == vault.decrypt(sealed, TENANT, ACCOUNT)
    assert Vault(NEW).key_id == vault.key_id
    assert [] == list(tmp_path.iterdir())
    for wrong in ("short", "c2hvcnQ="):
        with pytest.raises(SecretsError):
            open_vault(wrong, tmp_path)
        with pytest.raises(SecretsError):
            open_vault(new, tmp_path, wrong)
