"""The control port: clock, faults, accounts, money, prices, the oracle and the log of order requests."""

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from engine.paper import incidents, refusals, render, scale
from engine.paper.fault_plan import read_plan
from engine.paper.faults import read_fault
from engine.paper.options import AccountOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.paper.accounts import Account
    from engine.paper.server import PaperExchange

Given = dict[str, Any]


class Control:
    """JSON in, JSON out; 400 with a message for what cannot be done, 404 for an unknown path."""

    def __init__(self, paper: "PaperExchange") -> None:
        self._paper = paper
        self._routes: dict[tuple[str, str], Callable[[Given], Any]] = {
            ("GET", "/clock"): self._clock,
            ("POST", "/clock"): self._set_clock,
            ("GET", "/faults"): lambda _: {"faults": paper.faults.shown()},
            ("POST", "/faults"): self._change_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/faults/plan"): lambda _: self._plan(),
            ("POST", "/faults/plan"): self._follow_plan,
            ("DELETE", "/faults/plan"): self._end_plan,
            ("GET", "/maintenance"): lambda _: {"on": paper.rest.maintenance},
            ("POST", "/maintenance"): self._maintain,
            ("POST", "/order"): self._order_by_owner,
            ("POST", "/cancel"): self._cancel_by_owner,
            ("POST", "/fill"): self._fill,
            ("GET", "/oracle"): self._oracle,
            ("GET", "/accounts"): self._accounts,
            ("POST", "/accounts"): self._open_account,
            ("POST", "/deposit"): lambda given: self._move_money(given, 1),
            ("POST", "/withdraw"): lambda given: self._move_money(given, -1),
            ("POST", "/reset"): self._reset,
            ("GET", "/market"): self._market,
            ("POST", "/market"): self._set_market,
            ("POST", "/step"): self._step,
            ("POST", "/streams"): self._streams,
            ("GET", "/requests"): self._requests,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _reply(404, {"error": f"no {request.method} {request.path} here"})
        try:
            given: Any = dict(request.query)
            if request.can_read_body:
                given.update(_read_json(await request.read()))
            return _reply(200, route(given))
        except refusals.Refusal as refusal:
            return _reply(400, {"error": refusal.message, "code": refusal.code})
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            return _reply(400, {"error": f"{type(error).__name__}: {error}"})

    def _clock(self, _: Given) -> Any:
        clock = self._paper.clock
        return {
            "now_ms": clock.now_ms(),
            "offset_ms": clock.offset_ms,
            "frozen": clock.frozen,
            "pending": clock.pending,
        }

    def _set_clock(self, given: Given) -> Any:
        clock = self._paper.clock
        if "freeze" in given:
            at = given["freeze"]
            if at is False:
                clock.unfreeze()
            else:
                clock.freeze(None if at is True else _whole(at, 0, _TIME_MAX_MS))
        if "skew_ms" in given:
            clock.skew(_whole(given["skew_ms"], -_MOVE_MAX_MS, _MOVE_MAX_MS))
        if "advance_ms" in given:
            clock.advance(_whole(given["advance_ms"], -_MOVE_MAX_MS, _MOVE_MAX_MS))
        return self._clock(given)

    def _change_faults(self, given: Given) -> Any:
        if given.get("clear"):
            return self._clear_faults({})
        return self._paper.faults.add(read_fault(given)).shown()

    def _plan(self) -> Any:
        plan = self._paper.faults.plan
        return {"plan": None if plan is None else plan.shown()}

    def _follow_plan(self, given: Given) -> Any:
        self._paper.faults.follow(read_plan(given))
        return self._plan()

    def _end_plan(self, _: Given) -> Any:
        self._paper.faults.follow(None)
        return self._plan()

    def _maintain(self, given: Given) -> Any:
        if not isinstance(given["on"], bool):
            raise TypeError("on must be true or false")
        self._paper.maintain(given["on"])
        return {"on": given["on"]}

    def _order_by_owner(self, given: Given) -> Any:
        return self._by_owner("POST", given)

    def _cancel_by_owner(self, given: Given) -> Any:
        return self._by_owner("DELETE", given)

    def _by_owner(self, method: str, given: Given) -> Any:
        """Place or cancel as the account's owner does by hand: the exchange's own answer or refusal."""
        params = {name: str(value) for name, value in given.items() if name != "account"}
        reply = self._paper.rest.by_owner(
            method, "/api/v3/order", self._account(given["account"]).key, params
        )
        if reply.status != 200:  # noqa: PLR2004 - HTTP
            raise refusals.Refusal(reply.payload["code"], reply.payload["msg"])
        return reply.payload

    def _fill(self, given: Given) -> Any:
        """Let outsiders fill an order at its price, in `parts`; a canceled one as far as money covers it."""
        account = self._account(given["account"])
        if "orderId" in given:
            order = self._paper.matching.markets[given["symbol"]].orders[int(given["orderId"])]
        else:
            order = account.by_client_id[given["symbol"], given["origClientOrderId"]]
        if order.account is not account:
            raise refusals.no_such_order()
        matching, parts = self._paper.matching, _whole(given.get("parts", 1), 1, _PARTS_MAX)
        if order.open:
            incidents.fill_in_parts(matching, order, parts, _asset(given.get("fee_asset")))
        else:
            incidents.fill_after_cancel(matching, order)
        return render.queried(order)

    def _clear_faults(self, given: Given) -> Any:
        self._paper.faults.clear(int(given["id"]) if "id" in given else None)
        return {"faults": self._paper.faults.shown()}

    def _oracle(self, given: Given) -> Any:
        key = given.get("account")
        if key is not None:
            self._account(key)
        shown = self._paper.oracle.shown(self._paper.matching, key, orders=given.get("orders") != "0")
        shown["checks"]["answers"] = crashes = list(self._paper.rest.crashes)
        shown["differences"] += crashes
        shown["consistent"] = not shown["differences"]
        return shown

    def _accounts(self, _: Given) -> Any:
        return {"accounts": [_shown(account) for account in self._paper.matching.accounts.values()]}

    def _open_account(self, given: Given) -> Any:
        """Open an account, or change rates, fee asset and key rights of one that is there."""
        key = str(given["key"])
        account = self._paper.matching.accounts.get(key)
        if account is None:
            deposits = {
                _asset(asset) or "": _amount(amount)
                for asset, amount in dict(given.get("deposits", {})).items()
            }
            if any(amount < 0 for amount in deposits.values()):
                raise ValueError("deposits must be positive")
            account = self._paper.add_account(AccountOption(key, str(given["secret"]), deposits))
        if "maker_rate" in given:
            account.maker_rate = _rate(given["maker_rate"])
        if "taker_rate" in given:
            account.taker_rate = _rate(given["taker_rate"])
        if "fee_asset" in given:
            account.fee_asset = _asset(given["fee_asset"])
        if "can_withdraw" in given:
            if not isinstance(given["can_withdraw"], bool):
                raise TypeError("can_withdraw must be true or false")
            account.can_withdraw = given["can_withdraw"]
        return _shown(account)

    def _move_money(self, given: Given, sign: int) -> Any:
        account, amount = self._account(given["account"]), _amount(given["amount"])
        if amount < 0:
            raise ValueError("amount must be positive")
        self._paper.deposit(account.key, _asset(given["asset"]) or "", sign * amount)
        return _shown(account)

    def _reset(self, given: Given) -> Any:
        """One account or all: orders canceled, money as at opening or as given."""
        keys = (
            [self._account(given["account"]).key] if "account" in given else [*self._paper.matching.accounts]
        )
        balances = None
        if "balances" in given:
            balances = {_asset(asset) or "": _amount(amount) for asset, amount in given["balances"].items()}
            if min(balances.values(), default=0) < 0:
                raise ValueError("balances must not be negative")
        for key in keys:
            self._paper.reset(key, balances)
        return {"accounts": [_shown(self._paper.matching.accounts[key]) for key in keys]}

    def _market(self, given: Given) -> Any:
        markets = self._paper.matching.markets
        symbols = [given["symbol"]] if "symbol" in given else list(markets)
        return {
            symbol: {
                "bids": [[scale.text(p), scale.text(q)] for p, q in markets[symbol].book.bids.levels(10)],
                "asks": [[scale.text(p), scale.text(q)] for p, q in markets[symbol].book.asks.levels(10)],
                "last": scale.text(markets[symbol].last_price),
                "pinned": symbol in self._paper.outside.pins,
            }
            for symbol in symbols
        }

    def _set_market(self, given: Given) -> Any:
        symbol = str(given["symbol"])
        if given.get("unpin"):
            self._paper.outside.unpin(symbol)
        else:
            bid, ask = _amount(given["bid"]), _amount(given["ask"])
            depth = _amount(given.get("depth", "1000"))
            instrument = self._paper.matching.markets[symbol].instrument
            if not 0 < bid < ask or bid % instrument.tick or ask % instrument.tick:
                raise ValueError("bid must be below ask, both on the tick")
            if depth <= 0 or depth % instrument.lot:
                raise ValueError("depth must be positive and on the lot")
            self._paper.outside.pin(symbol, bid, ask, depth)
        return self._market({"symbol": symbol})

    def _step(self, given: Given) -> Any:
        self._paper.step(_whole(given.get("steps", 1), 0, _STEPS_MAX))
        return self._market({})

    def _streams(self, given: Given) -> Any:
        """Cut or kick all connections, or end one account's subscriptions with the exchange's farewell."""
        if given.get("cut"):
            self._paper.market_streams.cut()
            self._paper.user_streams.cut()
        if given.get("kick"):
            self._paper.market_streams.kick()
            self._paper.user_streams.kick()
        if "terminate" in given:
            self._paper.user_streams.terminate(self._account(given["terminate"]))
        return {}

    def _requests(self, given: Given) -> Any:
        wanted = {
            name: given[name] for name in ("clientOrderId", "account", "method", "symbol") if name in given
        }
        found = [
            one
            for one in self._paper.rest.requests
            if all(one[name] == value for name, value in wanted.items())
        ]
        return {"requests": found}

    def _account(self, key: str) -> "Account":
        account = self._paper.matching.accounts.get(key)
        if account is None:
            raise ValueError(f"no account with key {key!r}")
        return account


_TIME_MAX_MS = 10**14
_MOVE_MAX_MS = 10**13
_STEPS_MAX = 10_000
_PARTS_MAX = 1000
_RATE_MAX = scale.ONE // 2


def _read_json(body: bytes) -> Given:
    """Read an object; numbers with a point stay text, and what is no JSON number is refused."""
    given = json.loads(body, parse_float=str, parse_constant=_refuse_constant)
    if not isinstance(given, dict):
        raise TypeError("the body must be a JSON object")
    return given


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _whole(given: Any, low: int, high: int) -> int:
    whole = int(given)
    if not low <= whole <= high:
        raise ValueError(f"not within {low} and {high}: {whole}")
    return whole


def _asset(given: Any) -> str | None:
    if given is not None and not (isinstance(given, str) and given.isalnum() and given.isascii()):
        raise ValueError(f"not an asset: {given!r}")
    return given


def _rate(given: Any) -> int:
    rate = _amount(given)
    if abs(rate) > _RATE_MAX:
        raise ValueError(f"not a fee rate: {given!r}")
    return rate


def _amount(given: Any) -> int:
    """Read an amount given as text or as a whole number; a leading minus makes a rebate."""
    given = str(given)
    return -scale.parse(given[1:]) if given.startswith("-") else scale.parse(given)


def _shown(account: "Account") -> dict[str, Any]:
    return {
        "key": account.key,
        "uid": account.uid,
        "maker_rate": scale.text(account.maker_rate),
        "taker_rate": scale.text(account.taker_rate),
        "fee_asset": account.fee_asset,
        "free": {asset: scale.text(amount) for asset, amount in sorted(account.free.items())},
        "locked": {asset: scale.text(amount) for asset, amount in sorted(account.locked.items())},
    }


def _reply(status: int, shown: Any) -> web.Response:
    body = json.dumps(shown, separators=(",", ":")).encode()
    return web.Response(status=status, body=body, content_type="application/json")
