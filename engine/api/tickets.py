"""Feed tickets: a caller's authorization, sealed for a minute, for clients that cannot send a header."""

import base64
import binascii
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock
from engine.runtime.secrets import SecretsError, Vault

LIFETIME_S = 60
LENGTH_MAX = 2_048
# no account has this id: a sealed credential does not open as a ticket, nor the reverse
_OWNER = (UUID(int=0), UUID(bytes=b"holdfast tickets"))


class Tickets:
    """Nothing is stored: every process with the same master key opens them.

    What a ticket holds passes the same check as a header, so a revoked key's ticket is worth nothing.
    """

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def seal(self, authorization: str) -> tuple[str, datetime]:
        """Return a ticket for the holder of an authorization that was checked, and when it expires."""
        until = self._clock.now() + timedelta(seconds=LIFETIME_S)
        sealed = self._vault.encrypt({"for": authorization, "until": until.isoformat()}, *_OWNER)
        return base64.urlsafe_b64encode(sealed).decode(), until

    def open(self, ticket: str) -> str:
        """Return the authorization in a ticket. Raises UNAUTHORIZED, the same for every reason."""
        try:
            if len(ticket) > LENGTH_MAX:
                raise HoldfastError(ErrorCode.UNAUTHORIZED)
            sealed = base64.b64decode(ticket.encode("ascii"), b"-_", validate=True)
            held = self._vault.decrypt(sealed, *_OWNER)
        except (SecretsError, binascii.Error, UnicodeError, ValueError):
            raise HoldfastError(ErrorCode.UNAUTHORIZED) from None
        if datetime.fromisoformat(held["until"]) <= self._clock.now():
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        return held["for"]
