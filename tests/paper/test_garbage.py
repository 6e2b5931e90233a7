"""Garbage is answered with a code and never breaks the exchange."""

import string
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.paper.endpoints import ENDPOINTS
from engine.paper.rest import Received
from engine.paper.server import PaperExchange
from engine.paper.signing import parameters
from tests.paper.clients import KEY, options

NAMES = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId origClientOrderId orderId "
    "newOrderRespType limit fromId startTime endTime symbols recvWindow omitZeroBalances x "
    "interval windowSize timeZone cancelReplaceMode cancelOrderId cancelOrigClientOrderId cancelRestrictions "
    "selfTradePreventionMode icebergQty preventedMatchId orderListId listenKey symbolStatus"
)
VALUES = st.one_of(
    st.sampled_from(
        ["BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "GTC", "FULL", "0.01", "60000", '["BTCUSDT"]']
    ),
    st.sampled_from(
        ["", "NaN", "Infinity", "-1", "1e400", "9" * 30, "0x10", "\u0663", "null", "[]", "0", "\u0661.5"]
    ),
    st.text(string.printable, max_size=8),
    st.text(max_size=8),
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(ENDPOINTS)), st.dictionaries(st.sampled_from(NAMES.split()), VALUES, max_size=10)
)
def test_any_parameters(place: tuple[str, str], params: dict[str, str]) -> None:
    """Whatever is sent, signed, there is an answer with a status and, if it is a refusal, a code."""
    paper = PaperExchange(options())
    query = urlencode({"timestamp": paper.clock.now_ms(), **params}, errors="replace")
    query += "&signature=" + paper.matching.accounts[KEY].sign(query)
    received = Received(place[0], place[1], query, "", parameters(query), KEY, None)
    reply: Any = paper.rest.answer(received)
    assert 200 == reply.status or reply.payload["code"] < 0
    assert [] == paper.oracle.differences(paper.matching)
