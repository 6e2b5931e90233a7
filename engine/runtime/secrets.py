"""Secrets at rest: exchange credentials under a key that is not in the database."""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "master.key"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"


class SecretsError(Exception):
    """The master key is missing, malformed, readable by others, or not the one that encrypted."""


class Vault:
    """Encrypts and decrypts exchange credentials with AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise SecretsError(f"the master key has {len(key)} bytes, {_KEY_BYTES} are wanted")
        self._cipher = AESGCM(key)

    def encrypt(self, credentials: Mapping[str, str], owner: str) -> bytes:
        """Return the sealed credentials; they open only for the same `owner` (the account's id)."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps(dict(credentials), sort_keys=True).encode()
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, owner.encode())

    def decrypt(self, sealed: bytes, owner: str) -> dict[str, str]:
        """Return what was sealed for `owner`; raises SecretsError for another key, owner or content."""
        if sealed[:1] != _VERSION:
            raise SecretsError("unknown form of sealed credentials")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            plain = self._cipher.decrypt(nonce, body, owner.encode())
        except InvalidTag as error:
            raise SecretsError("the master key is not the one that sealed these credentials") from error
        opened: dict[str, str] = json.loads(plain)
        return opened


def open_vault(master_key: str | None, data_dir: Path) -> Vault:
    """Return the vault of HOLDFAST_MASTER_KEY (32 bytes, base64), or of the data directory's key file.

    The file is made on first use, readable by its owner alone; a readable one is refused.
    """
    if master_key:
        return Vault(_decode(master_key, "HOLDFAST_MASTER_KEY"))
    path = data_dir / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Vault(_decode(_read_private(path), str(path)))
    with os.fdopen(descriptor, "wb") as file:
        key = os.urandom(_KEY_BYTES)
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return Vault(key)


def _read_private(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise SecretsError(f"{path} is readable by others; chmod 600 it")
    return path.read_text(encoding="ascii")


def _decode(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretsError(f"{where} is not base64") from error
