"""The nouns of the product, as plain values. Times are aware datetimes; ids are the store's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from promo_campaigns.core.limits import NO_LIMITS, Limits
from promo_campaigns.core.reuse import Reuse

if TYPE_CHECKING:
    from datetime import datetime

    from promo_campaigns.core.audience_list import AudienceList

MAX_BATCHES = 1000  # Airflow maps at most 1,024 tasks from one list ([core] max_map_length)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """Which codes a run gives out.

    :ivar type: the pool's name, exactly as uploaded
    :ivar discount: 0 to 99, an exact match; 0 is a value like any other
    :ivar days: whole days a code must stay valid from the moment it is given ([reteno] section 3)
    """

    type: str
    discount: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message for one channel; title, body, HTML and options are Velocity.

    :ivar html: the body as HTML, for channels that show it; empty for none
    :ivar options: what the transport needs beside the message, by names of the transport's own
    :ivar webhook: the data source whose request carries the message, for the transport ``webhook``
    """

    name: str
    channel: str
    title: str
    body: str
    html: str = ""
    options: dict[str, str] = field(default_factory=dict)
    webhook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How an answer that only announces the work is followed to its end; the defaults are the vendor's ([reteno] 8.3).

    :ivar path: Velocity, in which ``$answer`` is the announcement; empty for ``importstatus`` and the answer's
        ``asyncSessionId``, beside the resource, where the answer has one
    :ivar done: a condition in Velocity on ``$answer``, what the path answers: the work is done
    :ivar failed: likewise: none of it is done and none will be
    :ivar wait_s: seconds after which nobody waits any more, and the request is made again
    """

    path: str = ""
    done: str = "$answer.get('status') == 'FINISHED'"
    failed: str = "$answer.get('status') == 'FAILED'"
    wait_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """An HTTP request that a message binds; path, header values and body are Velocity.

    :ivar connection: id of the Airflow Connection that holds host and credentials
    :ivar format: of the body: ``json``, ``xml`` or ``text``
    :ivar key_window_s: seconds for which the receiver recognises an ``Idempotency-Key``; 0 if it honours none
    :ivar before: the message reads its answer, so it is called before the message; else once the message was accepted
    :ivar timeout_s: seconds for one request; 0 for the connection's own
    :ivar success: a condition in Velocity on ``$status`` and ``$answer``; empty if the status alone decides
    :ivar failure: what an answer of success that fails the condition is: ``refused``, ``later`` or ``unknown``
    :ivar records_per_request: contacts in one request, whose body reads them from ``$batch``; 0 for a request of its
        own for each, whose body reads that contact's values
    :ivar poll: how the answer to a request for several is followed up
    """

    name: str
    method: str
    connection: str
    path: str
    headers: dict[str, str]
    body: str
    format: str
    key_window_s: int = 0
    before: bool = False
    timeout_s: float = 0.0
    success: str = ""
    failure: str = "refused"
    records_per_request: int = 0
    poll: Poll = Poll()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who a run is for: a SELECT that yields ``contact_id``, the ids themselves, or a list.

    :ivar list_sha256: digest of the list, empty without one
    :ivar listed: the list itself, until the run is opened
    """

    name: str
    sql: str = ""
    contact_ids: tuple[int, ...] = ()
    list_sha256: str = ""
    listed: AudienceList | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return what the ledger keeps of it, as plain JSON values."""
        kept = {"name": self.name, "sql": self.sql, "contact_ids": list(self.contact_ids)}
        return {**kept, "list_sha256": self.list_sha256} if self.list_sha256 else kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything that makes a run the run it is; frozen in the ledger when the run is opened.

    :ivar transport: the way out; a doubt must not be sent again by another
    :ivar transport_conn_id: the connection the transport is opened with, empty for none
    :ivar webhook: the request that carries the message, if its message names one
    :ivar hold_out: percent of the reachable contacts who are kept without a code, 0 to 99
    """

    workflow: str
    audience: Audience
    codes: CodeRequest
    message: Message
    data_sources: tuple[DataSource, ...] = ()
    transport: str = "inbox"
    transport_conn_id: str = ""
    webhook: DataSource | None = None
    limits: Limits = NO_LIMITS
    hold_out: float = 0.0
    reuse: Reuse = Reuse.NEW

    def place_of(self, name: str) -> int | None:
        """Return the place of a data source among the message's, or None if the message does not bind it."""
        return next((place for place, source in enumerate(self.data_sources) if source.name == name), None)

    def places(self, *, before: bool) -> list[int]:
        """Return the places of the data sources that are called before the message, or of those called after it."""
        return [place for place, source in enumerate(self.data_sources) if source.before is before]

    def as_dict(self) -> dict[str, Any]:
        """Return the spec as plain JSON values; it says nothing of limits, hold-out and reuse that are as ever."""
        nobody = replace(self, audience=Audience(name=""))  # a list need not be copied to be left out
        spec = {**asdict(nobody), "audience": self.audience.as_dict()}
        for name, nothing in (("limits", NO_LIMITS), ("hold_out", 0.0), ("reuse", Reuse.NEW)):
            if getattr(self, name) == nothing:
                del spec[name]
        return spec

    @property
    def sha256(self) -> bytes:
        """Digest of the spec as canonical JSON."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> RunSpec:
        """Rebuild the spec that the ledger holds; one of before version 0.2 names a single data source, or none."""
        audience = {**stored["audience"], "contact_ids": tuple(stored["audience"]["contact_ids"])}
        sources = stored["data_sources"] if "data_sources" in stored else filter(None, [stored["data_source"]])
        return cls(
            workflow=stored["workflow"],
            audience=Audience(**audience),
            codes=CodeRequest(**stored["codes"]),
            message=Message(**stored["message"]),
            data_sources=tuple(_data_source(source) for source in sources),
            transport=stored.get("transport", "inbox"),
            transport_conn_id=stored.get("transport_conn_id", ""),
            webhook=_data_source(stored["webhook"]) if stored.get("webhook") else None,
            limits=Limits(**stored.get("limits", {})),
            hold_out=stored.get("hold_out", 0.0),
            reuse=Reuse(stored.get("reuse", Reuse.NEW)),
        )


def _data_source(stored: dict[str, Any]) -> DataSource:
    return DataSource(**{**stored, "poll": Poll(**stored.get("poll", {}))})


class Mode(str, Enum):
    """What running a closed run again does."""

    MISSING = "missing"
    """Sends to whoever was skipped, refused or too late; nobody who was reached hears again."""
    PROFILES = "profiles"
    """Writes the codes onto the profiles again and sends nothing."""
    REFUSE = "refuse"
    """Nothing: it is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The contacts of one mapped task: those of the run with ``first <= contact_id <= last``.

    :ivar repair: send nothing, write profiles again
    :ivar zone: only those of this time zone; None where no quiet hours are kept
    """

    run_id: int
    first: int
    last: int
    repair: bool = False
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the ledger holds it."""

    run_id: int
    run_key: str
    spec: RunSpec
    send_by: datetime | None
    mode: Mode
    closed: bool


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class Recipient:
    """A contact with the code it holds, as a template sees it. Never logged.

    :ivar generation: how often the contact is sent to anew after a refusal, or with another code than a data source has
        seen; 0 the first time
    :ivar locator: the channel's value: address, number or token; None when it was withdrawn meanwhile
    :ivar fields: additional fields by name, None without any
    :ivar answers: of data sources by their names, None without any
    :ivar event: parameters of the event that made the contact enter, None without one
    """

    contact_id: int
    generation: int
    external_id: str | None
    first_name: str | None
    last_name: str | None
    language: str | None
    locator: str | None = field(repr=False)
    code: str = field(repr=False)
    code_type: str
    discount: int
    expires_at: datetime
    fields: dict[str, str] | None = field(repr=False)
    answers: dict[str, object] | None = field(default=None, repr=False)
    event: dict[str, Any] | None = field(default=None, repr=False)


class Purpose(str, Enum):
    """What an attempt is for."""

    MESSAGE = "message"
    PROFILE = "profile"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to call out for some assignments; whoever holds it has committed the intent to.

    :ivar token: fences the holder: evidence is written under it
    :ivar seconds: length of the lease; no call begins after half of it
    :ivar left: how many are due as well and were left out for the limit's sake
    :ivar source: place of the data source that is called
    :ivar shows_code: the code leaves with the call
    """

    run_id: int
    purpose: Purpose
    token: int
    seconds: float
    recipients: list[Recipient]
    left: int = 0
    source: int = 0
    shows_code: bool = True


class Outcome(str, Enum):
    """What is known after a call."""

    OK = "ok"
    """The receiver took it."""
    REFUSED = "refused"
    """The receiver definitely did not take it and never will."""
    LATER = "later"
    """The receiver definitely did not take it now and may another time."""
    UNKNOWN = "unknown"
    """Nobody knows."""


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class Verdict:
    """The outcome of one call for one contact.

    :ivar detail: why, in words free of addresses, codes and answers; kept in the ledger
    :ivar retry_after_s: seconds the receiver asked to be left alone, 0 if it did not say
    :ivar locked_out: the receiver refuses whoever calls, not this contact: the breaker opens at once
    :ivar called: False if what is wrong was found before any call, and says nothing about the receiver
    :ivar answer: what a data source answered before the message, as JSON. Never logged
    """

    contact_id: int
    outcome: Outcome
    detail: str = ""
    retry_after_s: float = 0.0
    locked_out: bool = False
    called: bool = True
    answer: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class OutgoingMessage:
    """A rendered message on its way to a transport. Never logged.

    :ivar locator: the address, number or token it goes to
    :ivar html: the body as HTML, empty for none
    :ivar options: what the message says to its transport alone
    """

    contact_id: int
    channel: str
    locator: str = field(repr=False)
    title: str = field(repr=False)
    body: str = field(repr=False)
    idempotency_key: str
    html: str = field(default="", repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True, kw_only=True)  # made once per contact: freezing would triple what that costs
class OutgoingRequest:
    """A rendered HTTP request of a data source. Never logged."""

    contact_id: int
    method: str
    path: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: str = field(repr=False)
    idempotency_key: str
