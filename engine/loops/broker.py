"""RabbitMQ: one connection with publisher confirms, the declared exchanges, and what a refusal means."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import aio_pika
from aio_pika.exceptions import AMQPError, ChannelClosed, ChannelPreconditionFailed, DeliveryError
from pamqp.commands import Basic

if TYPE_CHECKING:
    from aio_pika.abc import AbstractExchange

EXCHANGE = "holdfast.events"
DEAD_EXCHANGE = "holdfast.dead"
DEAD_QUEUE = "holdfast.dead"
_CONNECT_TIMEOUT_S = 10.0
_CONFIRM_TIMEOUT_S = 15.0


class Published(StrEnum):
    """What the broker said of one message."""

    CONFIRMED = "confirmed"
    UNROUTED = "unrouted"  # confirmed, and no queue wanted it
    REFUSED = "refused"


class BrokerAwayError(Exception):
    """The broker cannot be reached or was lost: what was not confirmed is unknown, and no event's fault."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message: its dedup id is the same however often it is published."""

    dedup_id: str
    routing_key: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the broker did not take a message."""

    code: str
    trace: str


class Broker:
    """Publishes in the order of its calls. Raises BrokerAwayError for all that is not about one message."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._exchange: AbstractExchange | None = None

    async def connect(self) -> None:
        """Connect and declare what is ours, if need be: topic exchange, dead-letter exchange and queue."""
        if self._exchange is not None:
            return
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                if self._connection is None or self._connection.is_closed:
                    # The plain connection: the relay itself knows what is to be sent again after a loss.
                    self._connection = await aio_pika.connect(self._url)
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=False)
                kind = aio_pika.ExchangeType
                dead = await channel.declare_exchange(DEAD_EXCHANGE, kind.FANOUT, durable=True)
                queue = await channel.declare_queue(DEAD_QUEUE, durable=True)
                await queue.bind(dead)
                self._exchange = await channel.declare_exchange(EXCHANGE, kind.TOPIC, durable=True)
        except (AMQPError, OSError, TimeoutError, RuntimeError, asyncio.CancelledError) as error:
            if _cancelled(error):
                raise
            await self.close()
            raise BrokerAwayError(f"{type(error).__name__}: {error}") from error

    async def publish(self, message: Outgoing) -> tuple[Published, Refusal | None]:
        """Publish one message and wait for its confirm."""
        await self.connect()
        exchange = self._exchange
        if exchange is None:
            raise BrokerAwayError("not connected")
        sent = aio_pika.Message(
            message.body,
            message_id=message.dedup_id,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers=dict(message.headers),
        )
        try:
            confirmation = await exchange.publish(
                sent, message.routing_key, mandatory=True, timeout=_CONFIRM_TIMEOUT_S
            )
        except DeliveryError as error:
            return Published.REFUSED, Refusal("BROKER_NACK", _trace(error))
        except ChannelPreconditionFailed as error:  # a message the broker takes from nobody, for its size
            self._exchange = None
            return Published.REFUSED, Refusal("BROKER_PRECONDITION_FAILED", _trace(error))
        except ChannelClosed as error:
            self._exchange = None
            return Published.REFUSED, Refusal("BROKER_CHANNEL_CLOSED", _trace(error))
        except (AMQPError, OSError, TimeoutError, RuntimeError, asyncio.CancelledError) as error:
            if _cancelled(error):
                raise
            await self.close()
            raise BrokerAwayError(f"{type(error).__name__}: {error}") from error
        if isinstance(confirmation, Basic.Ack):
            return Published.CONFIRMED, None
        return Published.UNROUTED, None

    async def close(self) -> None:
        """Forget the connection; what was not confirmed will be published again."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            try:
                async with asyncio.timeout(1.0):
                    await connection.close()
            except (AMQPError, OSError, TimeoutError, RuntimeError, asyncio.CancelledError) as error:
                if _cancelled(error):
                    raise


def _cancelled(error: BaseException) -> bool:
    """Tell whether this task is to end; the client's library also cancels what waits on a lost connection."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _trace(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__name__}: {error}"
