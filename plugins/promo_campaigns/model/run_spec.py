"""The definition of a run: audience, codes, message, data sources. Plain values, frozen when the run is opened."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from promo_campaigns.model.attributes import Match, stored_match
from promo_campaigns.model.audience.columns import AudienceColumn
from promo_campaigns.model.limits import NO_LIMITS, Limits
from promo_campaigns.model.reuse import Reuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.model.audience.lists import AudienceList

CONNECTION_LINE = re.compile(r"--[ \t]*connection:[ \t]*([\w.-]+)[ \t]*\r?$", re.MULTILINE)
"""The first line of an audience's SELECT that another database is asked."""

INBOX = "inbox"
"""The transport that keeps messages in the store: no channel, whatever the message says."""
NOBODY_IS_SENT = "inbox: nobody is really sent anything; name a transport to send"


def note_on_transport(transport: str) -> str:
    """Return what a reader of a campaign is to know of its transport; empty where messages leave."""
    return NOBODY_IS_SENT if transport == INBOX else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """All codes of a type and discount.

    :ivar type: its name, exactly as uploaded
    :ivar discount: 0 to 99, an exact match; 0 is a value like any other
    """

    type: str
    discount: int

    def __str__(self) -> str:
        """Return it as errors name it."""
        return f"{self.type!r} with discount {self.discount}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """Which codes a run gives out: those of a pool, or of a chain of pools.

    :ivar type: of the first pool
    :ivar discount: of the first pool
    :ivar days: whole days a code must stay valid from the moment it is given
    :ivar next_pools: where a contact gets its code if the pools before have none, in this order
    :ivar match: what codes that carry attributes must share with their contact; empty if no such code is given
    """

    type: str
    discount: int
    days: int
    next_pools: tuple[Pool, ...] = ()
    match: tuple[Match, ...] = ()

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools in the order in which codes are taken from them."""
        return (Pool(type=self.type, discount=self.discount), *self.next_pools)

    @property
    def named(self) -> str:
        """The pools as the subject of an error."""
        listed = ", then ".join(map(str, self.pools))
        return f"the chain of the pools {listed}," if self.next_pools else f"the pool {listed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackCode:
    """A code that all those share for whom the pool has none.

    :ivar type: what tells it apart in reports and on profiles; another one than the pool's
    :ivar expires: the last day on which it is valid, or the moment from which it is not, as in a code file
    :ivar time_zone: IANA name of the zone of that day
    """

    code: str = field(repr=False)
    type: str
    discount: int
    expires: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The texts of a message in another language; it has those that the message has."""

    title: str
    body: str
    html: str = ""
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message for one channel; title, body, HTML and options are Velocity.

    :ivar html: the body as HTML, for channels that show it; empty for none
    :ivar options: further values for the transport, by names that the transport defines
    :ivar webhook: the data source whose request carries the message, for the transport ``webhook``
    :ivar variants: its texts in other languages, by the tags of these, such as ``pt-br``
    """

    name: str
    channel: str
    title: str
    body: str
    html: str = ""
    options: dict[str, str] = field(default_factory=dict)
    webhook: str = ""
    variants: dict[str, Variant] = field(default_factory=dict)

    def versions(self) -> list[Message]:
        """Return the message in each of its other languages, named like the file: ``promo_push.uk``."""
        return [
            replace(
                self,
                name=f"{self.name}.{tag}",
                title=texts.title,
                body=texts.body,
                html=texts.html,
                options=texts.options,
                variants={},
            )
            for tag, texts in self.variants.items()
        ]

    def texts(self) -> list[str]:
        """Return all that is Velocity in it, in every language."""
        own = [self.title, self.body, self.html, *self.options.values()]
        return own + [text for version in self.versions() for text in version.texts()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How an asynchronous answer is followed to its end; the defaults are the vendor's.

    :ivar path: Velocity, in which ``$answer`` is the first answer; empty for ``importstatus`` and the answer's
        ``asyncSessionId``, beside the resource, where the answer has one
    :ivar done: a condition in Velocity on ``$answer`` and ``$status``, the answer of the path: the work is done
    :ivar failed: a condition likewise: the work failed as a whole
    :ivar wait_s: seconds after which the work counts as lost, and the request is made again
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
    """The contacts of a run: a SELECT that yields ``contact_id``, the ids themselves, or a list.

    :ivar list_sha256: digest of the list, empty without one
    :ivar listed: the list itself, or what another database answered, until the run is opened
    :ivar columns: what its SELECT of another database yields beside the contact, as its text declares
    """

    name: str
    sql: str = ""
    contact_ids: tuple[int, ...] = ()
    list_sha256: str = ""
    listed: AudienceList | None = field(default=None, repr=False, compare=False)
    columns: tuple[AudienceColumn, ...] = ()

    @property
    def connection(self) -> str:
        """The connection of the database that its SELECT is asked of; empty for the store itself."""
        named = CONNECTION_LINE.match(self.sql)
        return named[1] if named else ""

    def as_dict(self) -> dict[str, Any]:
        """Return what the ledger keeps of the audience, as plain JSON values."""
        kept: dict[str, Any] = {"name": self.name, "sql": self.sql, "contact_ids": list(self.contact_ids)}
        if self.list_sha256:
            kept["list_sha256"] = self.list_sha256
        if self.columns:
            kept["columns"] = [asdict(column) for column in self.columns]
        return kept


_LATER: Mapping[str, object] = {
    "limits": NO_LIMITS,
    "hold_out": 0.0,
    "reuse": Reuse.NEW,
    "pictures_url": "",
    "unsubscribe_url": "",
    "fallback": None,
}
"""Defaults that the ledger does not keep, so that a definition that says nothing of them keeps its digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """The definition of a run, frozen in the ledger when the run is opened.

    :ivar transport: its name; what is unknown must not be sent again by another
    :ivar transport_conn_id: the connection the transport is opened with, empty for none
    :ivar webhook: the request that carries the message, if its message names one
    :ivar hold_out: percent of the reachable contacts who are kept without a code, 0 to 99
    :ivar pictures_url: where contacts reach the profile API's pictures of codes; empty for nowhere
    :ivar unsubscribe_url: where contacts reach the profile API to unsubscribe; empty for nowhere
    :ivar fallback: the code of those for whom the pool has none; None if they are given none
    """

    workflow: str
    audience: Audience
    codes: CodeRequest
    message: Message
    data_sources: tuple[DataSource, ...] = ()
    transport: str = INBOX
    transport_conn_id: str = ""
    webhook: DataSource | None = None
    limits: Limits = NO_LIMITS
    hold_out: float = 0.0
    reuse: Reuse = Reuse.NEW
    pictures_url: str = ""
    unsubscribe_url: str = ""
    fallback: FallbackCode | None = None

    def place_of(self, name: str) -> int | None:
        """Return the place of a data source among the message's, or None if the message does not bind it."""
        return next((place for place, source in enumerate(self.data_sources) if source.name == name), None)

    def places(self, *, before: bool) -> list[int]:
        """Return the places of the data sources that are called before the message, or of those called after it."""
        return [place for place, source in enumerate(self.data_sources) if source.before is before]

    def as_dict(self) -> dict[str, Any]:
        """Return the spec as plain JSON values; what was added to it later is left out where it is the default."""
        nobody = replace(self, audience=Audience(name=""))  # a list need not be copied to be left out
        spec = {**asdict(nobody), "audience": self.audience.as_dict()}
        for part, name in (("message", "variants"), ("codes", "next_pools"), ("codes", "match")):
            if not spec[part][name]:
                del spec[part][name]
        for name, nothing in _LATER.items():
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
        """Rebuild the spec that the ledger holds."""
        audience = {**stored["audience"], "contact_ids": tuple(stored["audience"]["contact_ids"])}
        audience["columns"] = tuple(AudienceColumn(**column) for column in audience.get("columns", ()))
        return cls(
            workflow=stored["workflow"],
            audience=Audience(**audience),
            codes=_codes(stored["codes"]),
            message=_message(stored["message"]),
            data_sources=tuple(_data_source(source) for source in stored["data_sources"]),
            transport=stored.get("transport", INBOX),
            transport_conn_id=stored.get("transport_conn_id", ""),
            webhook=_data_source(stored["webhook"]) if stored.get("webhook") else None,
            limits=Limits(**stored.get("limits", {})),
            hold_out=stored.get("hold_out", 0.0),
            reuse=Reuse(stored.get("reuse", Reuse.NEW)),
            pictures_url=stored.get("pictures_url", ""),
            unsubscribe_url=stored.get("unsubscribe_url", ""),
            fallback=FallbackCode(**stored["fallback"]) if stored.get("fallback") else None,
        )


def _codes(stored: dict[str, Any]) -> CodeRequest:
    pools = tuple(Pool(**pool) for pool in stored.get("next_pools", ()))
    return CodeRequest(**stored | {"next_pools": pools, "match": stored_match(stored.get("match", ()))})


def _message(stored: dict[str, Any]) -> Message:
    variants = {tag: Variant(**texts) for tag, texts in stored.get("variants", {}).items()}
    return Message(**{**stored, "variants": variants})


def connection_name(conn_id: str) -> str:
    """Return what errors, rate limiter and breaker call the receiver of a connection."""
    return f"connection {conn_id}"


def transport_name(transport: str, connection: str = "") -> str:
    """Return what errors and the breaker call the receiver of a transport.

    :param connection: the name of its connection, if it has one
    """
    return f"transport {transport}" + (f", {connection}" if connection else "")


def receivers_of(spec: Mapping[str, Any]) -> list[str]:
    """Return the names of the receivers that a run calls.

    :param spec: the definition as the ledger keeps it; its audience may be left out
    """
    webhook = (spec.get("webhook") or {}).get("connection", "") if spec.get("transport") == "webhook" else ""
    conn_id = spec.get("transport_conn_id") or webhook
    carried = transport_name(spec.get("transport", "inbox"), connection_name(conn_id) if conn_id else "")
    sources = [connection_name(source["connection"]) for source in spec["data_sources"]]
    return list(dict.fromkeys([carried, *sources]))


def _data_source(stored: dict[str, Any]) -> DataSource:
    return DataSource(**{**stored, "poll": Poll(**stored.get("poll", {}))})
