"""A small PostgREST behind a small gateway, as a Supabase project has them, for supabase-py to talk to.

It does what decides about money: named arguments, one transaction per request with the role and the claims of
a verified token set locally, PostgreSQL's errors with the status of PostgREST's own table, its own codes
before a statement is sent. The rest of PostgREST it does not have.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import jwt
from starlette.types import Receive, Scope, Send

from engine.api.server import ABORT, HttpServer, listen

SECRET = "a-signing-secret-of-a-test-0123456789abcdef"  # the project's HS256 key
SECRET_KEY = "sb_secret_of-a-test"
PUBLISHABLE_KEY = "sb_publishable_of-a-test"
_REST = "/rest/v1/"
# PostgREST's table; the first that fits, the longest first. Anything else is 400.
_STATUSES = {
    "25006": 405, "23503": 409, "23505": 409, "53400": 500, "P0001": 400, "42883": 404, "42P01": 404,
    "42P17": 500, "42501": 403, "08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500,
    "38": 500, "39": 500, "3B": 500, "40": 500, "53": 503, "54": 500, "55": 500, "57": 500, "58": 500,
    "F0": 500, "HV": 500, "P0": 500, "XX": 500,
}  # fmt: skip
_FUNCTION = """
SELECT p.provolatile::text AS volatility,
  (SELECT json_object_agg(p.proargnames[t.place], format_type(t.oid, NULL))
   FROM unnest(p.proargtypes) WITH ORDINALITY AS t (oid, place)) AS arguments
FROM pg_proc p WHERE p.pronamespace = to_regnamespace($1) AND p.proname = $2
"""
_RELATION = """
SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relname = $2)
"""
# what(request) raises Lost to cut the connection before the call; `after` the same once it has committed
Fault = Callable[[Mapping[str, Any]], Awaitable[None]]


class Lost(Exception):  # noqa: N818 - an event of the network, no error of a program
    """The connection is cut instead of an answer."""


class Gateway(Exception):  # noqa: N818 - an answer, no error of a program
    """The gateway answers with a page of its own."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Refused(Exception):  # noqa: N818 - an answer, no error of a program
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"code": code, "message": message, "details": None, "hint": None}


class Double:
    """Serves a database on a free port of the loopback until it is closed."""

    def __init__(self, pool: "asyncpg.Pool[Any]", exposed: tuple[str, ...]) -> None:
        self.before: Fault | None = None
        self.after: Fault | None = None
        self.requests: list[dict[str, Any]] = []  # bodies of the calls, as they arrived
        self._pool = pool
        self._exposed = exposed
        self._cuts: list[Callable[[], None]] = []  # of the requests under way
        self._server = HttpServer(self, listen("127.0.0.1", 0), 1.0)

    @classmethod
    async def serve(cls, url: str, exposed: tuple[str, ...] = ("public", "holdfast_api")) -> "Double":
        """Serve the database at `url`, which is the authenticator's."""
        double = cls(await asyncpg.create_pool(url, min_size=1, max_size=8, init=_plain), exposed)
        await double._server.start()
        return double

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def cut(self) -> None:
        """Cut the connections of all requests under way; what they asked for goes on in the database."""
        for cut in self._cuts:
            cut()

    async def stop(self) -> None:
        """Listen no more."""
        self.cut()
        await self._server.stop()

    async def close(self) -> None:
        await self.stop()
        await self._pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        data = b""
        while True:
            message = await receive()
            data += message.get("body", b"")
            if not message.get("more_body"):
                break
        cut = scope["extensions"][ABORT]
        self._cuts.append(cut)
        try:
            await self._answer_with(scope, headers, data, send)
        finally:
            self._cuts.remove(cut)

    async def _answer_with(self, scope: Scope, headers: Mapping[str, str], data: bytes, send: Send) -> None:
        try:
            status, text = 200, await self._answer(scope, headers, data)
        except Lost:
            scope["extensions"][ABORT]()
            return
        except Gateway as page:
            await _send(send, page.status, "<html>a gateway's page</html>", "text/html")
            return
        except _Refused as refused:
            status, text = refused.status, json.dumps(refused.body)
        except asyncpg.PostgresError as error:
            status, text = _status(str(error.sqlstate)), json.dumps(_shown(error))
        await _send(send, status, text, "application/json; charset=utf-8")

    async def _answer(self, scope: Scope, headers: Mapping[str, str], data: bytes) -> str:
        claims = _claims(headers)
        path = scope["path"].removeprefix(_REST)
        schema = headers.get("content-profile" if scope["method"] == "POST" else "accept-profile", "public")
        if schema not in self._exposed:
            raise _Refused(406, "PGRST106", f"The schema must be one of: {', '.join(self._exposed)}")
        if path.startswith("rpc/"):
            body = json.loads(data, parse_float=_no_float)
            self.requests.append(body)
            return await self._call(schema, path.removeprefix("rpc/"), body, data.decode(), claims)
        return await self._read(schema, path, claims)

    async def _call(
        self, schema: str, name: str, body: Mapping[str, Any], text: str, claims: Mapping[str, Any]
    ) -> str:
        if self.before is not None:
            await self.before(body)
        async with self._pool.acquire() as conn:
            found = await conn.fetchrow(_FUNCTION, schema, name)
            kinds = json.loads(found["arguments"] or "{}") if found else {}
            if found is None or set(body) != set(kinds):
                raise _Refused(404, "PGRST202", f"Could not find the function {schema}.{name} in the cache")
            given = ", ".join(f'"{argument}" := body."{argument}"' for argument in kinds)
            columns = ", ".join(f'"{argument}" {kind}' for argument, kind in kinds.items())
            statement = (
                f'SELECT coalesce(to_json("{schema}"."{name}"({given}))::text, \'null\')'  # noqa: S608
                f" FROM json_to_record($1::json) AS body ({columns})"
            )
            readonly = found["volatility"] != "v"
            answer: str = await _as(conn, claims, statement, text, readonly=readonly)
        if self.after is not None:
            await self.after(body)
        return answer

    async def _read(self, schema: str, name: str, claims: Mapping[str, Any]) -> str:
        statement = f'SELECT coalesce(json_agg(r), \'[]\')::text FROM "{schema}"."{name}" AS r'  # noqa: S608
        async with self._pool.acquire() as conn:
            if not await conn.fetchval(_RELATION, schema, name):
                raise _Refused(404, "PGRST205", f"Could not find the table {schema}.{name} in the cache")
            answer: str = await _as(conn, claims, statement, readonly=True)
            return answer


def user_token(subject: str, **claims: Any) -> str:
    """A token as the project's Auth gives a user that has signed in."""
    made = {"sub": subject, "role": "authenticated", "aud": "authenticated", "exp": 9_999_999_999, **claims}
    return jwt.encode(made, SECRET, "HS256")


async def _as(
    conn: Any, claims: Mapping[str, Any], statement: str, *args: Any, readonly: bool = False
) -> Any:
    async with conn.transaction(readonly=readonly):
        await conn.execute(
            "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true),"
            " set_config('search_path', '\"holdfast_api\", \"public\"', true)",
            claims["role"],
            json.dumps(claims),
        )
        return await conn.fetchval(statement, *args)


def _claims(headers: Mapping[str, str]) -> dict[str, Any]:
    """The claims of a request: the gateway makes a token of an opaque key, PostgREST verifies any other."""
    if headers.get("apikey") not in {SECRET_KEY, PUBLISHABLE_KEY}:
        raise Gateway(401)
    token = headers.get("authorization", "").removeprefix("Bearer ")
    opaque = {SECRET_KEY: "service_role", PUBLISHABLE_KEY: "anon", "": "anon"}
    if token in opaque:
        return {"iss": "supabase", "role": opaque[token], "exp": 9_999_999_999, "jti": uuid4().hex}
    try:
        found: dict[str, Any] = jwt.decode(token, SECRET, ["HS256"], options={"verify_aud": False})
    except jwt.InvalidTokenError as error:
        raise _Refused(401, "PGRST301", str(error)) from error
    return {"role": "anon"} | found


def _no_float(text: str) -> Any:
    raise AssertionError(f"the number {text} arrived as a JSON number")


def _status(state: str) -> int:
    return next((_STATUSES[key] for key in (state, state[:2]) if key in _STATUSES), 400)


def _shown(error: asyncpg.PostgresError) -> dict[str, Any]:
    return {
        "code": error.sqlstate,
        "message": str(getattr(error, "message", error)),
        "details": getattr(error, "detail", None),
        "hint": getattr(error, "hint", None),
    }


async def _send(send: Send, status: int, text: str, kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(text.encode())).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _plain(conn: Any) -> None:
    for kind in ("json", "jsonb"):
        await conn.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=str)
