"""Run keys and idempotency keys: which runs are the same send, and which calls the same call."""

from __future__ import annotations

import re
import uuid
from datetime import timezone
from hashlib import sha1
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from promo_campaigns.model.run import Purpose

_KEYS = uuid.UUID("8f6d6c1e-6f0e-4b57-9a55-0d3a4c8b7e21")
_MESSAGE_ID = re.compile(r"<(?P<key>[0-9a-f-]{36})\.(?P<contact>[1-9][0-9]{0,17})@[^\s<>@]{1,255}>")
_LONGEST_ID = 400
SCHEDULED = frozenset({"scheduled", "backfill"})
BY_HAND = frozenset({"manual", "operator_triggered"})


def run_key(*, workflow: str, run_type: str, logical_date: datetime | None, edition: str, run_id: str) -> str:
    """Return the run key of a DAG run: the name of its occurrence.

    A scheduled and a backfilled run of one date are the same send, whatever their run ids; one that names an edition is
    that edition of its date, and never joined with another date. Any other run is the edition it names, so that two
    clicks are one send, or else itself.

    :param run_type: Airflow's, as text: ``scheduled``, ``backfill``, ``manual``, ``asset_triggered`` …
    :param logical_date: aware; None for runs that have none
    :param edition: a name for a manual send, or an empty text
    :param run_id: Airflow's id of the run
    """
    named = f"/edition/{edition}" if edition else ""
    if run_type in SCHEDULED and logical_date is not None:
        instant = logical_date.astimezone(timezone.utc)
        return f"{workflow}/{instant:%Y-%m-%dT%H:%M:%SZ}{named}"
    if named:
        return f"{workflow}{named}"
    return f"{workflow}/run/{run_id}"


def run_file_name(run_key: str) -> str:
    """Return a file name for a run; each run key has its own."""
    readable = re.sub(r"[^\w.=-]+", "_", run_key, flags=re.ASCII).lstrip("._-")[:100]
    return f"{readable}-{uuid.uuid5(_KEYS, run_key).hex[:8]}"


def idempotency_key(
    run_key: str, contact_id: int, purpose: Purpose, resend_counter: int = 0, *, source: int = 0
) -> str:
    """Return the key under which a receiver sees this call, the same at every try.

    :param resend_counter: it rises when a refused contact is sent to anew, since a receiver may remember
        its refusal, and when a contact is given another code than the one that was shown to a receiver
    :param source: place of the data source that is called
    """
    anew = f"\0{resend_counter}" if resend_counter else ""
    which = f"\0source {source}" if source else ""
    return _key_of(f"{run_key}\0{contact_id}\0{purpose.value}{anew}{which}")


def message_id(key: str, contact_id: int, domain: str) -> str:
    """Return the ``Message-ID`` of a mail, by which what comes back of it is traced to its contact and its run.

    :param key: the idempotency key of the mail, which nobody guesses who has not seen the mail
    """
    return f"<{key}.{contact_id}@{domain}>"


def read_message_id(text: str) -> tuple[str, int] | None:
    """Return the key and the contact of a ``Message-ID`` that we have made; None for every other text."""
    found = _MESSAGE_ID.fullmatch(text.strip()[:_LONGEST_ID])
    return (found["key"], int(found["contact"])) if found else None


def joint_key(keys: Iterable[str]) -> str:
    """Return the key of one call for several contacts, made of their own keys in any order."""
    return _key_of("\0".join(sorted(keys)))


def _key_of(name: str) -> str:
    """Return the UUID of version 5 of a name, as RFC 9562 makes it.

    Each contact needs two, and ``uuid.uuid5`` takes three times as long.
    """
    digest = bytearray(sha1(_KEYS.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
