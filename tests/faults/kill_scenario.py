"""The scenario around a killed worker: people and codes of its own, the truth at the receiver, and what must hold."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from integration.scenario import PROFILE, SPEC
from promo_campaigns.delivery.transports.inbox import read_inbox
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.model.assignment_state import AssignmentState
from promo_campaigns.model.run_spec import Audience
from receiver import Answer

if TYPE_CHECKING:
    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from receiver import Received

PEOPLE, REACHABLE, SPARE_CODES = 6, 5, 3
WAYS = ("inbox", "keyed", "plain", "asked", "got")
"""The product's inbox, a receiver that honours keys, one that does not, one like the first of those whose messages read
what a data source answers before, and one like the second that takes messages and such questions by GET."""
KEYLESS, KEYED, ASKED = ("plain", "got"), ("inbox", "keyed", "asked"), ("asked", "got")
METHOD_OF = {"got": "GET"}
FINAL = {AssignmentState.RECORDED, AssignmentState.REJECTED, AssignmentState.SKIPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Six people: the last has no channel, and the receiver refuses the second for good.

    :ivar way: how messages leave, one of ``WAYS``
    """

    way: str
    spec: RunSpec
    run_key: str
    people: list[int]

    @property
    def refused(self) -> int:
        """Whom the receiver refuses."""
        return self.people[1]


@dataclass(slots=True)
class Truth:
    """What the receiver really got, from any sender and however often.

    :ivar told: for which contact it was asked about which code, by key
    :ivar mixed: what was wrong with a question, or with an answer in a message
    """

    way: str
    refused: int
    messages: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    profiles: dict[int, str] = field(default_factory=dict)
    written: set[tuple[int, str]] = field(default_factory=set)
    told: dict[str, tuple[int, str]] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)
    copies: int = 0
    _keys: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Received) -> Answer:
        """Take a request, as a receiver of this way does."""
        with self._lock:
            path, asked = _asked(request)
            contact, (code, *said) = int(asked["contact"]), str(asked["code"]).split()
            key = request.headers["Idempotency-Key"]
            if path == "/points":
                about = self.told.setdefault(key, (contact, code))
                self.mixed += [f"contact {contact} was asked for about two codes"] if about[1] != code else []
                return Answer(body=json.dumps({"code": about[1]}).encode())
            if path != "/message":
                self.profiles[contact] = code
                self.written.add((contact, code))
                return Answer()
            self.copies += 1
            if contact == self.refused:
                return Answer(status=422)
            self.mixed += [f"contact {contact} got an answer about another code"] if said not in ([], [code]) else []
            if self.way not in KEYED or key not in self._keys:
                self.messages[contact].append(code)
            self._keys.add(key)
            return Answer()


def _asked(request: Received) -> tuple[str, dict[str, Any]]:
    """Return the path of a request and what it says: a GET in its query, a POST in its body."""
    path, _, query = request.path.partition("?")
    return path, dict(parse_qsl(query)) if request.method == "GET" else request.json


def make_scenario(connection: Connection, way: str, name: str) -> Scenario:
    """Add people and a pool of their own to the store."""
    people = connection.execute(
        "insert into promo.contact (first_name) select 'Name ' || n from generate_series(1, %s) n returning contact_id",
        [PEOPLE],
    ).fetchall()
    contact_ids = sorted(int(row["contact_id"]) for row in people)
    connection.execute(
        "insert into promo.contact_channel (contact_id, type, value)"
        " select id, 'mobilepush', 'token-' || id from unnest(%s::bigint[]) id",
        [contact_ids[:REACHABLE]],
    )
    connection.execute(
        "with file as ("
        "  insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)"
        "  values ('codes.csv', %(sha)s, 0, 0, 0, 0, 0) returning code_file_id)"
        " insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)"
        " select %(name)s || '-' || n, %(name)s, 10, promo.clock() + interval '300 days', false, code_file_id, n"
        " from file, generate_series(1, %(codes)s) n",
        {"sha": hashlib.sha256(name.encode()).digest(), "name": name, "codes": REACHABLE + _spare_codes(way)},
    )
    spec = _spec(name, contact_ids)
    return Scenario(
        way=way, spec=_asking(spec, way) if way in ASKED else spec, run_key=f"kills/edition/{name}", people=contact_ids
    )


def _spec(name: str, contact_ids: list[int]) -> RunSpec:
    return replace(
        SPEC,
        workflow="kills",
        audience=Audience(name=name, contact_ids=tuple(contact_ids)),
        codes=replace(SPEC.codes, type=name),
        message=replace(SPEC.message, title="", body="$promocode"),
        data_sources=(replace(PROFILE, path="/profile", body='{"contact": "$contact_id", "code": "$promocode"}'),),
    )


def _spare_codes(way: str) -> int:
    """Each time a refused contact is sent to anew, a code is gone that a data source was told."""
    return SPARE_CODES * 3 if way in ASKED else SPARE_CODES


def _asking(spec: RunSpec, way: str) -> RunSpec:
    (profile,) = spec.data_sources
    asks = replace(profile, name="points", path="/points", before=True)
    if METHOD_OF.get(way) == "GET":
        path = "/points?contact=$contact_id&code=$promocode"
        asks = replace(asks, method="GET", path=path, headers={}, body="")
    body = "$promocode $data.get('points').get('code')"
    return replace(spec, message=replace(spec.message, body=body), data_sources=(asks, profile))


def jump(connection: Connection, seconds: float) -> None:
    """Put the ledger's clock forward."""
    row = connection.execute("select extract(epoch from promo.clock() - clock_timestamp())::float8 as ahead").fetchone()
    ahead = (row["ahead"] if row else 0.0) + seconds
    connection.execute(
        "create or replace function promo.clock() returns timestamptz language sql stable parallel safe"
        f" return clock_timestamp() + interval '{ahead:.3f} s'"
    )


def violations(connection: Connection, scenario: Scenario, truth: Truth) -> list[str]:
    """Return what does not hold, once everything has come to rest: the books, and the books against the truth."""
    rows = connection.execute(
        "select r.run_id, r.closed_at, a.contact_id, a.state::text as state, a.reason, p.code, a.resend_counter"
        " from promo.run r join promo.assignment a using (run_id) left join promo.promo_code p using (promo_code_id)"
        " where r.run_key = %s",
        [scenario.run_key],
    ).fetchall()
    books = {int(row["contact_id"]): row for row in rows}
    run_id = rows[0]["run_id"] if rows else None
    delivered = _delivered(connection, scenario, truth)
    wrong = [f"{broken.invariant}: {broken.rows}" for broken in check_invariants(connection, run_id)]
    wrong += [] if rows and rows[0]["closed_at"] else ["the run is not closed"]
    wrong += [] if sorted(books) == scenario.people else ["somebody is missing from the audience"]
    wrong += _doubled(delivered)
    wrong += truth.mixed + _told(truth, books)
    for contact, book in books.items():
        wrong += _misled(scenario, truth, book, delivered.get(contact, []))
    return wrong


def _delivered(connection: Connection, scenario: Scenario, truth: Truth) -> dict[int, list[str]]:
    if scenario.way != "inbox":
        return dict(truth.messages)
    arrived: dict[int, list[str]] = defaultdict(list)
    for contact in scenario.people:
        for message in read_inbox(connection, contact_id=contact):
            arrived[contact].append(message["body"])
    return arrived


def _doubled(delivered: dict[int, list[str]]) -> list[str]:
    holders: dict[str, set[int]] = defaultdict(set)
    for contact, codes in delivered.items():
        for code in codes:
            holders[code].add(contact)
    twice = [f"contact {contact} heard {len(codes)} times" for contact, codes in delivered.items() if len(codes) > 1]
    return twice + [f"a code reached {len(people)} people" for people in holders.values() if len(people) > 1]


def _told(truth: Truth, books: dict[int, dict[str, Any]]) -> list[str]:
    """Find codes that a data source was told of and somebody else holds, and contacts with too many keys."""
    told = set(truth.told.values())
    keys = Counter(contact for contact, _ in truth.told.values())
    others = {book["code"]: contact for contact, book in books.items()}
    return [
        *(
            f"a code was told for {contact} and is {others[code]}'s"
            for contact, code in told
            if others.get(code, contact) != contact
        ),
        *(
            f"contact {who} was asked for under {n} keys"
            for who, n in keys.items()
            if n > 1 + books[who]["resend_counter"]
        ),
    ]


def _misled(scenario: Scenario, truth: Truth, book: dict[str, Any], codes: list[str]) -> list[str]:
    contact, state = int(book["contact_id"]), str(book["state"])
    # A refusal after an unknown outcome proves nothing: the send stays unknown.
    may_be_unknown = scenario.way in KEYLESS or contact == scenario.refused
    expected = FINAL | ({AssignmentState.UNKNOWN} if may_be_unknown else set())
    recorded = book["code"] if state == "recorded" else None
    rules = {
        f"ended as {state}": state in expected,
        "was accepted and never heard": state != "recorded" or bool(codes),
        "heard and counts as not reached": not codes or state in {AssignmentState.RECORDED, AssignmentState.UNKNOWN},
        "heard another code than the books say": not codes or codes == [book["code"]],
        "has a profile that says another code": truth.profiles.get(contact) == recorded,
        "had another code written meanwhile": len([who for who, _ in truth.written if who == contact]) <= 1,
        "is skipped without cause": (state == "skipped") == (contact == scenario.people[-1]),
        "is rejected without cause": state != "rejected" or contact == scenario.refused,
    }
    return [f"contact {contact} {rule}" for rule, holds in rules.items() if not holds]
