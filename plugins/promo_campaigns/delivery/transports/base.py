"""Base of every transport: calls of a stated size, so many at a time, each with a result for every message."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from promo_campaigns.http.rate_limit_port import UNLIMITED, NoPermitError
from promo_campaigns.model.contacts import Closing
from promo_campaigns.model.errors import CallRefusedError, CannotCarryError, ConfigurationError, SendError
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run_spec import transport_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.http.shown_call import ShownCall
    from promo_campaigns.model.contacts import ClosedFor
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run_spec import DataSource, Message

ANY: frozenset[str] | None = None
MAX_CALL_S = 55.0
"""A call that began at half of its lease must be over before the other half is."""
MAX_SPLITS = 25
MAX_DETAIL = 200
_NOT_BEGUN = "not begun in time"
_IN_FLIGHT = 50
_IN_FLIGHT_KEYED = 500
_CALLS_KEYED = 4
"""Whole calls in flight: a statement of the ledger has a fixed cost, which the contacts of two calls share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """What a transport is opened with. It holds secrets: never logged.

    :ivar connection: where to and who as, if the workflow names a connection
    :ivar dsn: the store
    :ivar webhook: the request that carries the message, for transports that are made of one
    :ivar limiter: holds calls to the receiver's limits; the transport's base class asks it
    """

    connection: ConnectionSettings | None = None
    dsn: str = field(default="", repr=False)
    webhook: DataSource | None = None
    limiter: RateLimiter = UNLIMITED


class BaseTransport:
    """Base class of transports. A subclass states what it can do, and makes one call.

    It is built when a workflow is read, to find what is wrong with its settings, and again by each task, which opens
    it with ``async with``. Building reaches nothing.

    :cvar name: as workflows name it
    :cvar channels: the channels it serves; ``None`` for any
    :cvar options: the names of ``options`` that it reads from a message; ``None`` for any
    :cvar needs_connection: whether a workflow must name a connection for it
    :cvar batch_size: messages a call carries, at most
    :cvar concurrency: calls under way, at most
    :cvar key_window_s: seconds for which the receiver recognises an idempotency key and takes a message once; 0 if it
        honours none
    :cvar looks_up: whether the receiver can be asked for what it has accepted
    :param settings: what it is opened with
    :raises ConfigurationError: they are wrong
    """

    name: str
    channels: frozenset[str] | None = ANY
    options: frozenset[str] | None = frozenset()
    needs_connection = True
    batch_size = 1
    concurrency = 8
    key_window_s = 0.0
    looks_up = False

    def __init__(self, settings: TransportSettings) -> None:
        if self.needs_connection and settings.connection is None:
            msg = f"the transport {self.name!r} needs a connection; name one with transport_conn_id"
            raise ConfigurationError(msg)
        self.settings = settings

    @cached_property
    def _free(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.concurrency)

    @property
    def connection(self) -> ConnectionSettings:
        """The connection, of a transport that needs one."""
        if self.settings.connection is None:
            msg = f"the transport {self.name!r} has no connection"
            raise ConfigurationError(msg)
        return self.settings.connection

    @property
    def receiver(self) -> str:
        """Who is at the other end, as the breaker knows it."""
        named = self.settings.connection
        return transport_name(self.name, named.name if named else "")

    @property
    def in_flight(self) -> int:
        """How many messages may be under way, hence unknown after a crash."""
        most = max(_IN_FLIGHT_KEYED, _CALLS_KEYED * self.batch_size) if self.key_window_s else _IN_FLIGHT
        return self.settings.limiter.budget.chunk(most, self.batch_size)

    @property
    def resend_within_s(self) -> float:
        """Seconds after a first attempt of unknown outcome in which the same key may be sent again."""
        return self.key_window_s / 2

    async def __aenter__(self) -> Self:
        """Open connections, where they last longer than a call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""

    def check(self, message: Message) -> None:
        """Refuse a message that this transport cannot carry, before anything is opened.

        :raises CannotCarryError: with the setting of the message that is at fault
        """
        if self.channels is not None and message.channel not in self.channels:
            problem = f"the transport {self.name!r} cannot do the channel {message.channel!r}"
            raise CannotCarryError(problem, setting="channel", hint=f"It does {', '.join(sorted(self.channels))}")
        strange = sorted(set(message.options) - self.options) if self.options is not None else []
        if strange:
            problem = f"the transport {self.name!r} has no option {strange[0]!r}"
            known = ", ".join(sorted(self.options or ())) or "none"
            raise CannotCarryError(problem, setting="options", hint=f"It has {known}")

    def show(self, message: OutgoingMessage) -> ShownCall | None:  # noqa: ARG002  (those who can tell override this)
        """Return the call that one message would be, to be looked at; None if nobody can tell before it is made.

        Nothing is reached, and the transport need not be open.

        :raises SendError: no call can be made of it
        """
        return None

    async def call(self, messages: Sequence[OutgoingMessage]) -> Iterable[DeliveryResult]:
        """Make one call for these, at most ``batch_size``, and say what is known of each.

        A message without a result is unknown, and so are all if it raises or takes longer than ``MAX_CALL_S``.

        :raises CallRefusedError: the call was refused as a whole; it is made again in halves, to find whose fault it
            was
        :raises SendError: the receiver cannot be used as it is set up; nothing was sent, and the
            circuit opens
        """
        raise NotImplementedError

    async def look_up(self, keys: Sequence[str]) -> set[str]:  # noqa: ARG002  (those who look up override this)
        """Return those of the idempotency keys under which the receiver has accepted a message."""
        return set()

    def batches(self, messages: Sequence[OutgoingMessage]) -> Iterator[Sequence[OutgoingMessage]]:
        """Cut messages into what goes into one call each."""
        for first in range(0, len(messages), self.batch_size):
            yield messages[first : first + self.batch_size]

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[DeliveryResult]:
        """Send and say what is known of each, in their order.

        :param deadline: on the clock of ``time.monotonic``; no call begins after it
        """
        answers = await asyncio.gather(*(self._deliver(batch, deadline) for batch in self.batches(messages)))
        found = {result.contact_id: result for results in answers for result in results}
        return [found[message.contact_id] for message in messages]

    async def _deliver(self, batch: Sequence[OutgoingMessage], deadline: float) -> list[DeliveryResult]:
        """Call, and call again in halves as long as calls are refused as a whole; the rest is put off."""
        waiting, results, calls = [batch], list[DeliveryResult](), 0
        while waiting:
            part = waiting.pop()
            if calls > MAX_SPLITS:
                results += _all(part, Outcome.LATER, "too many calls were refused as a whole", called=False)
                continue
            calls += 1
            try:
                results += await self._one_call(part, deadline)
            except CallRefusedError as refused:
                if len(part) == 1:
                    results += _all(part, Outcome.REFUSED, refused.detail)
                else:
                    waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
        return results

    async def _one_call(self, batch: Sequence[OutgoingMessage], deadline: float) -> list[DeliveryResult]:
        limiter = self.settings.limiter
        weight = limiter.budget.weight(len(batch))
        try:
            async with self._free, limiter.permit(deadline=deadline, weight=weight) as permit:
                results = await self._answered(batch, deadline)
                permit.back_off(max(result.retry_after_s for result in results))
                return results
        except NoPermitError as refused:
            return _all(batch, Outcome.LATER, _NOT_BEGUN, retry_after_s=refused.wait_s, called=False)

    async def _answered(self, batch: Sequence[OutgoingMessage], deadline: float) -> list[DeliveryResult]:
        if time.monotonic() >= deadline:
            return _all(batch, Outcome.LATER, _NOT_BEGUN, called=False)
        try:
            return _completed(batch, await asyncio.wait_for(self.call(batch), MAX_CALL_S))
        except CallRefusedError:
            raise
        except SendError as error:
            return _all(batch, Outcome.LATER, str(error)[:MAX_DETAIL], locked_out=True)
        except asyncio.TimeoutError:
            return _all(batch, Outcome.UNKNOWN, "no answer in time")
        except Exception as error:  # noqa: BLE001  (whatever a transport raises is an unknown outcome, and ends no task)
            return _all(batch, Outcome.UNKNOWN, f"the transport failed ({type(error).__name__})")


def closing(message: OutgoingMessage, reason: ClosedFor, by: str) -> Closing:
    """Return what closes the channel of a message, for a transport whose receiver says that the locator is dead.

    :param by: the receiver's own word for it, free of addresses, such as ``fcm: UNREGISTERED``
    """
    return Closing(contact_id=message.contact_id, type=message.channel, value=message.locator, reason=reason, by=by)


def _all(
    batch: Sequence[OutgoingMessage],
    outcome: Outcome,
    detail: str,
    **more: Any,  # noqa: ANN401  (whatever else a result says)
) -> list[DeliveryResult]:
    return [DeliveryResult(contact_id=message.contact_id, outcome=outcome, detail=detail, **more) for message in batch]


def _completed(batch: Sequence[OutgoingMessage], results: Iterable[DeliveryResult]) -> list[DeliveryResult]:
    """Return one result for each message, whose detail names no locator."""
    found = {result.contact_id: result for result in results}
    return [_discreet(message, found.get(message.contact_id)) for message in batch]


def _discreet(message: OutgoingMessage, result: DeliveryResult | None) -> DeliveryResult:
    if result is None:
        return DeliveryResult(contact_id=message.contact_id, outcome=Outcome.UNKNOWN, detail="the receiver did not say")
    detail = result.detail.replace(message.locator, "…")[:MAX_DETAIL]
    return result if detail == result.detail else replace(result, detail=detail)
