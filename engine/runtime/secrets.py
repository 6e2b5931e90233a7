"""Secrets at rest: exchange credentials under keys that are not in the database."""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "master.key"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_ID_BYTES = 8
_FIRST, _ENVELOPE = b"\x01", b"\x02"
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES
# form 2: mark, master key's id, data key's id, wrapped data key, nonce, sealed credentials
_HEAD_BYTES = 1 + _ID_BYTES + _ID_BYTES + _WRAPPED_BYTES + _NONCE_BYTES


class SecretsError(Exception):
    """The master key is missing, malformed, readable by others, or not the one that encrypted."""


class Vault:
    """Seals exchange credentials in envelopes, with AES-256-GCM throughout.

    Each account's credentials have a data key of their own, which the master key wraps. What is sealed is
    bound to tenant, account and both keys' ids: a row that was moved to another account, or whose wrapping is
    another's, does not open. The first of `keys` seals; the others still open, for the time of a change.
    `again` reads the keys anew when an envelope names an unknown one: a running daemon learns of it so.
    """

    def __init__(self, *keys: bytes, again: Callable[[], Sequence[bytes]] | None = None) -> None:
        self._again = again
        self._take(keys)

    def _take(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            if len(key) != _KEY_BYTES:
                raise SecretsError(f"the master key has {len(key)} bytes, {_KEY_BYTES} are wanted")
        if not keys:
            raise SecretsError("there is no master key")
        self._keys = {_id_of(key): AESGCM(key) for key in keys}
        self.key_id = _id_of(keys[0])

    def encrypt(self, credentials: Mapping[str, str], tenant_id: UUID, account_id: UUID) -> bytes:
        """Return the sealed credentials; they open only for the same tenant and account."""
        data_key, data_id = AESGCM.generate_key(_KEY_BYTES * 8), os.urandom(_ID_BYTES)
        owner = _owner(tenant_id, account_id)
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps(dict(credentials), sort_keys=True).encode()
        sealed = nonce + AESGCM(data_key).encrypt(nonce, plain, b"credentials" + owner + data_id)
        return self._head(data_key, data_id, owner) + sealed

    def decrypt(self, sealed: bytes, tenant_id: UUID, account_id: UUID) -> dict[str, str]:
        """Return what was sealed for an account; raises SecretsError for another key, owner or content."""
        owner = _owner(tenant_id, account_id)
        if sealed[:1] == _FIRST:
            plain = self._opened_first(sealed, account_id)
        else:
            data_key, data_id = self._data_key(sealed, owner)
            nonce, body = sealed[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES], sealed[_HEAD_BYTES:]
            plain = _opened(AESGCM(data_key), nonce, body, b"credentials" + owner + data_id)
        opened: dict[str, str] = json.loads(plain)
        return opened

    def rewrap(self, sealed: bytes, tenant_id: UUID, account_id: UUID) -> bytes:
        """Return the same credentials under the first master key; unchanged if they are already.

        The data key is wrapped anew and what it seals stays as it is; the first form becomes an envelope.
        """
        if sealed[:1] == _FIRST:
            return self.encrypt(self.decrypt(sealed, tenant_id, account_id), tenant_id, account_id)
        if self.key_id_of(sealed) == self.key_id:
            return sealed
        owner = _owner(tenant_id, account_id)
        data_key, data_id = self._data_key(sealed, owner)
        return self._head(data_key, data_id, owner) + sealed[_HEAD_BYTES - _NONCE_BYTES :]

    @staticmethod
    def key_id_of(sealed: bytes) -> str | None:
        """Return the id of the master key that wraps it; None for the first form, which names none."""
        return sealed[1 : 1 + _ID_BYTES].hex() if sealed[:1] == _ENVELOPE else None

    def _head(self, data_key: bytes, data_id: bytes, owner: bytes) -> bytes:
        key_id, nonce = bytes.fromhex(self.key_id), os.urandom(_NONCE_BYTES)
        bound = b"data key" + owner + key_id + data_id
        wrapped = self._keys[self.key_id].encrypt(nonce, data_key, bound)
        return _ENVELOPE + key_id + data_id + nonce + wrapped

    def _data_key(self, sealed: bytes, owner: bytes) -> tuple[bytes, bytes]:
        key_id = self.key_id_of(sealed)
        if key_id is None or len(sealed) < _HEAD_BYTES + _TAG_BYTES:
            raise SecretsError("unknown form of sealed credentials")
        if key_id not in self._keys and self._again is not None:
            self._take(self._again())
        if key_id not in self._keys:
            raise SecretsError(f"the master key {key_id}, which wraps these credentials, is not known here")
        at = 1 + _ID_BYTES
        data_id, at = sealed[at : at + _ID_BYTES], at + _ID_BYTES
        nonce, wrapped = sealed[at : at + _NONCE_BYTES], sealed[at + _NONCE_BYTES : at + _WRAPPED_BYTES]
        bound = b"data key" + owner + bytes.fromhex(key_id) + data_id
        return _opened(self._keys[key_id], nonce, wrapped, bound), data_id

    def _opened_first(self, sealed: bytes, account_id: UUID) -> bytes:
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for cipher in self._keys.values():
            try:
                return _opened(cipher, nonce, body, str(account_id).encode())
            except SecretsError:
                continue
        raise SecretsError("no master key known here is the one that sealed these credentials")


def open_vault(master_key: str | None, data_dir: Path, old_keys: str | None = None) -> Vault:
    """Return the vault of HOLDFAST_MASTER_KEY (32 bytes, base64), or of the data directory's key file.

    `old_keys`, joined by commas, still open what they sealed. The file has a key a line, the first one seals;
    it is made on first use, readable by its owner alone; a readable one is refused.
    """
    if master_key:
        others = [part for part in (old_keys or "").split(",") if part.strip()]
        return Vault(
            _decode(master_key, "HOLDFAST_MASTER_KEY"),
            *(_decode(part, "HOLDFAST_MASTER_KEYS_OLD") for part in others),
        )
    path = data_dir / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Vault(*_keys_of(path), again=lambda: _keys_of(path))
    with os.fdopen(descriptor, "wb") as file:
        key = os.urandom(_KEY_BYTES)
        _write(file.fileno(), [key])
    return Vault(key, again=lambda: _keys_of(path))


def add_master_key(data_dir: Path) -> None:
    """Put a fresh key before those of the key file; the file is whole at any moment."""
    path = data_dir / KEY_FILE
    keys = [os.urandom(_KEY_BYTES), *_keys_of(path)]
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        owner = path.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
        _write(descriptor, keys)
    finally:
        os.close(descriptor)
    partial.replace(path)


def _write(descriptor: int, keys: Sequence[bytes]) -> None:
    os.write(descriptor, b"".join(base64.b64encode(key) + b"\n" for key in keys))
    os.fsync(descriptor)


def _keys_of(path: Path) -> list[bytes]:
    return [_decode(line, str(path)) for line in _read_private(path).splitlines() if line.strip()]


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"holdfast master key" + key).digest()[:_ID_BYTES].hex()


def _owner(tenant_id: UUID, account_id: UUID) -> bytes:
    return UUID(str(tenant_id)).bytes + UUID(str(account_id)).bytes


def _opened(cipher: AESGCM, nonce: bytes, body: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, body, bound)
    except InvalidTag as error:
        raise SecretsError("the master key is not the one that sealed these credentials") from error


def _read_private(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise SecretsError(f"{path} is readable by others; chmod 600 it")
    return path.read_text(encoding="ascii")


def _decode(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretsError(f"{where} is not base64") from error
