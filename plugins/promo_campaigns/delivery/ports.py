"""What sending asks of the ledger, a breaker, a transport and a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.model.errors import TemplateError
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage, OutgoingRequest
    from promo_campaigns.model.run import Lease


class Template(Protocol):
    """A compiled template."""

    @property
    def references(self) -> Mapping[str, frozenset[str]]:
        """The root names it reads, each with the names it reads on that."""

    def render_many(self, contexts: Iterable[Mapping[str, object]]) -> Sequence[str | TemplateError]:
        """Render once per context; a context that cannot be rendered yields its error instead."""


class MessageLedger(Protocol):
    """What sending messages needs of the ledger."""

    def begin_messages(
        self,
        run_id: int,
        contact_ids: Sequence[int],
        *,
        lease_s: float,
        resend_within_s: float,
        limit: int | None = None,
    ) -> Lease:
        """Commit the intent to send to those of the contacts who are due, and lease them.

        :param limit: how many at most, those who wait longest first; None for all
        """

    def record_message_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        """Write the evidence and fold it into states."""

    def count_alike(self, lease: Lease, detail: str, others: Sequence[int]) -> int:
        """Return how many other contacts of the run got an answer to such a call; 0 if anybody was accepted."""


class ProfileLedger(Protocol):
    """What recording codes on profiles needs of the ledger."""

    def begin_profiles(  # noqa: PLR0913  (whom, for how long, and which of them)
        self,
        run_id: int,
        contact_ids: Sequence[int],
        *,
        lease_s: float,
        repair: bool,
        source: int = 0,
        limit: int | None = None,
    ) -> Lease:
        """Commit the intent to record the codes of those contacts whose message was accepted, and lease them.

        :param source: place of the data source in the run's definition
        :param limit: as for messages
        """

    def record_profile_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        """Write the evidence; what was confirmed is recorded."""

    def count_alike(self, lease: Lease, detail: str, others: Sequence[int]) -> int:
        """Return how many other contacts of the run got an answer to such a call; 0 if anybody was accepted."""


class AnswerLedger(Protocol):
    """What asking a data source before the message needs of the ledger."""

    def begin_answers(  # noqa: PLR0913  (whom, for how long, and which of them)
        self,
        run_id: int,
        contact_ids: Sequence[int],
        *,
        lease_s: float,
        source: int,
        shows_code: bool,
        limit: int | None = None,
    ) -> Lease:
        """Commit the intent to ask for those of the contacts who are due and have no answer yet, and lease them.

        :param limit: as for messages
        """

    def record_answer_outcomes(self, lease: Lease, results: Sequence[DeliveryResult]) -> None:
        """Write the evidence and keep the answers; who is refused is rejected."""

    def count_alike(self, lease: Lease, detail: str, others: Sequence[int]) -> int:
        """Return how many other contacts of the run got an answer to such a call; 0 if anybody was accepted."""


class Breaker(Protocol):
    """What all workers know of one receiver."""

    def admit(self) -> Admission:
        """Say whether this worker may call."""

    def report(self, results: Sequence[DeliveryResult], admission: Admission) -> None:
        """Tell the other workers what calls came to; a probe that found nothing out is given back.

        :param admission: under which the calls were made
        """


class Transport(Protocol):
    """Interface of a transport.

    :ivar name: as the workflow names it
    """

    name: str

    @property
    def in_flight(self) -> int:
        """How many messages may be under way, hence unknown after a crash."""

    @property
    def resend_within_s(self) -> float:
        """Seconds after a first attempt of unknown outcome in which the same key may be sent again.

        Half the receiver's window; 0 if it honours no keys.
        """

    async def look_up(self, keys: Sequence[str]) -> set[str]:
        """Return those of the idempotency keys under which the receiver has accepted a message.

        That it does not know a key proves nothing: the message may still be on its way.
        """

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[DeliveryResult]:
        """Send and say what is known of each.

        :param deadline: on the clock of ``time.monotonic``; no call begins after it
        """


class RequestSender(Protocol):
    """Interface of what sends the requests of a data source.

    :ivar name: of the receiver, as the breaker knows it
    :ivar in_flight: how many contacts may have a committed intent and no evidence yet
    """

    name: str
    in_flight: int

    async def send(self, requests: Sequence[OutgoingRequest], *, deadline: float) -> Sequence[DeliveryResult]:
        """Send each request and say what is known of it; arguments as for a transport."""
