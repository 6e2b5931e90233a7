"""Calls over HTTP to a Supabase project, where PostgreSQL has no port; sent again when an answer is lost."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.rpc_errors import Verdict, failures, judge
from engine.ledger.rpc_values import answer, arguments
from engine.ledger.transport import Crossing

SCHEMA = "holdfast_api"
_CALL = "engine_call"
_READ = "engine_read"
# Longer than the function waits for a lock, so that who sends again too early is rare; half of what is left
# at least, so that a long call is not cut off again and again.
_ATTEMPT_S = 2.5
_PAUSE_S = 0.05
_PAUSE_S_MAX = 1.0
# Who sends a call again while the first is still at work waits for it in vain: it can be asked once more.
_AT_WORK = frozenset({"40001", "40P01", "55P03"})
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RpcOptions:
    """How to reach a project; `key` is its secret key (or the older service_role key)."""

    url: str
    key: str = field(repr=False)
    pool_size: int = 8
    connect_timeout_s: float = 5.0
    call_timeout_s: float = 10.0
    batch_items_max: int = 64

    async def open(self) -> "RpcTransport":
        """Ask the project for the time. Raises what a transport raises, CONFIGURATION for what it lacks."""
        return await RpcTransport.connect(self)


class RpcTransport:
    """Calls `holdfast_api.engine_call` and `engine_read` by supabase-py; one call is one transaction.

    Each call has an id under which the database keeps its answer: sent again, it has no second effect and
    gets the first answer. The ledger's own deadlines hold, never the client's default of 120 s.
    """

    def __init__(self, client: Any, http: Any) -> None:
        self._client = client
        self._http = http
        self._failures = failures()

    @classmethod
    async def connect(cls, options: RpcOptions) -> Self:
        """Open the client and prove by one call that the project is there and has been deployed to."""
        # Not needed by anybody whose database has a port, and slow to import.
        supabase, httpx = import_module("supabase"), import_module("httpx")
        http = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=options.connect_timeout_s),
            limits=httpx.Limits(max_connections=options.pool_size),
        )
        try:
            given = supabase.AsyncClientOptions(
                schema=SCHEMA,
                auto_refresh_token=False,
                persist_session=False,
                postgrest_client_retry=False,
                httpx_client=http,
            )
            transport = cls(await supabase.acreate_client(options.url, options.key, given), http)
            await transport.prove(options)
        except supabase.SupabaseException as error:
            await http.aclose()
            raise HoldfastError(
                ErrorCode.CONFIGURATION, f"HOLDFAST_SUPABASE_URL or its key: {error}"
            ) from None
        except BaseException:  # also when cancelled: its connections must not leak
            await http.aclose()
            raise
        return transport

    async def prove(self, options: RpcOptions) -> None:
        """Ask for the time. Raises what a call does; CONFIGURATION if the key or the schema is the reason."""
        loop = asyncio.get_running_loop()
        until = loop.time() + options.connect_timeout_s
        try:
            await self.fetch(Crossing("fn_clock", (), lambda: _left(until - loop.time())))
        except asyncpg.PostgresError as error:
            hint = _HINTS.get(str(error.sqlstate))
            if hint is None:
                raise
            raise HoldfastError(
                ErrorCode.CONFIGURATION, f"{hint} ({error})", sqlstate=error.sqlstate
            ) from None

    async def close(self, timeout_s: float) -> None:
        """Close the connections."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._http.aclose()

    async def renew(self) -> None:
        """There are no sessions of ours: the project's own server has them."""

    async def fetch(self, crossing: Crossing) -> list[Any]:
        """Send the call, and again with the same id while its outcome is unknown and time is left."""
        name, body = _request(crossing)
        pause_s = _PAUSE_S
        while True:
            remaining_s = crossing.remaining_s()
            try:
                async with asyncio.timeout(min(remaining_s, max(_ATTEMPT_S, remaining_s / 2))):
                    told = await self._client.rpc(name, body).execute()
                return answer(told.data, table=crossing.table)
            except self._failures as error:
                verdict = judge(error)
                if not self._again(verdict, crossing, pause_s):
                    raise verdict.error from error
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_S_MAX)

    @staticmethod
    def _again(verdict: Verdict, crossing: Crossing, pause_s: float) -> bool:
        crossing.sent = crossing.sent or verdict.reached
        state = str(getattr(verdict.error, "sqlstate", ""))
        if not verdict.unknown and not (crossing.lost and (state in _AT_WORK or not verdict.reached)):
            return False
        crossing.lost = True
        try:
            return crossing.remaining_s() > pause_s
        except TimeoutError:
            return False


_HINTS = {
    "28000": "The project refuses HOLDFAST_SUPABASE_KEY: it must be a secret key of this project.",
    "3F000": f"The project does not expose the schema {SCHEMA}: add it to the exposed schemas of its API.",
    "42883": "The project does not carry the schema yet: run `holdfast db deploy` where it has a port.",
    "42501": "HOLDFAST_SUPABASE_KEY is no secret key of this project: its role may not call the engine.",
}


def _request(crossing: Crossing) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"p_function": crossing.function, "p_arguments": arguments(crossing.args)}
    if crossing.reader is None:
        return _CALL, body | {"p_call_id": str(uuid4())}
    return _READ, body | {"p_tenant_id": str(crossing.reader)}


def _left(seconds: float) -> float:
    if seconds <= 0:
        raise TimeoutError("past its deadline")
    return seconds
