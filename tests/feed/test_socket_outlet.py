"""Proves what the feed's WebSocket does when its client has already left."""

from starlette.types import Message
from starlette.websockets import WebSocket

from engine.api.feed import _Socket


async def test_a_client_that_left_may_be_asked_for_again() -> None:
    """Its disconnect comes once; a second look finds it gone instead of failing."""
    messages: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": 1006},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        assert "websocket.accept" == message["type"]

    websocket = WebSocket({"type": "websocket"}, receive, send)
    await websocket.accept()
    outlet = _Socket(websocket)
    await outlet.gone()
    await outlet.gone()
    assert [] == messages
