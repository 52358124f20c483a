"""Erases contacts: their identity goes, and their codes stay given out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors

from promo_campaigns.model.errors import ContactError, ContactHeldError, LeaseHeldError, StoreUnavailableError
from promo_campaigns.model.run import until
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from promo_campaigns.model.contacts import Channel
    from promo_campaigns.postgres.connection import Connection

_SQL = queries(__name__)


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """The result of erasing a contact.

    :param already: the contact had been erased before
    :param requests: bulk requests of the profile API that it was taken out of
    """

    contact_id: int
    already: bool
    channels: int
    field_values: int
    messages: int
    requests: int


def find_contact(
    connection: Connection, *, contact_id: int | None = None, external_id: str | None = None
) -> int | None:
    """Return the id of a contact, also of one that was erased, or None if there is no such contact."""
    wanted = {"contact_id": contact_id, "external_id": external_id}
    row = connection.execute(_SQL["find_contact"], wanted).fetchone()
    return None if row is None else int(row["contact_id"])


@dataclass(frozen=True, slots=True)
class ErasureEffect:
    """What erasing a contact would do.

    :param already: it was erased before
    :param codes: codes that it holds, which stay given out
    :param wait_s: seconds that a send to it may still take, during which it cannot be erased; 0 for none
    """

    contact_id: int
    already: bool
    channels: int
    field_values: int
    messages: int
    codes: int
    wait_s: float


def weigh_erasure(connection: Connection, contact_id: int) -> ErasureEffect:
    """Return what erasing a contact would do.

    :raises ContactError: there is no such contact
    """
    row = connection.execute(_SQL["count_identity"], {"contact_id": contact_id}).fetchone()
    if row is None:
        problem = f"there is no contact {contact_id}"
        raise ContactError(problem)
    return ErasureEffect(contact_id=contact_id, **{**row, "wait_s": max(0.0, row["wait_s"])})


def erase_contact(connection: Connection, contact_id: int, *, actor: str = "", reason: str = "") -> ErasureReport:
    """Erase everything that identifies a contact, in one transaction; erasing it again changes nothing.

    Its assignments and attempts stay, by id, so that its codes are never given out again. Keyed digests of its
    identifiers stay: a contact with one of them is refused until it is readmitted. Nothing is sent to it and its
    profile is not written any more.

    :param actor: who erases it, for the audit; by default the account of this process
    :param reason: why, for the audit; never an address
    :raises ContactError: there is no such contact
    :raises LeaseHeldError: a send to it is in progress; nothing was erased
    :raises StoreUnavailableError: other writers were faster, or lock it (``ContactHeldError``); nothing was erased
    """
    if find_contact(connection, contact_id=contact_id) is None:
        problem = f"there is no contact {contact_id}"
        raise ContactError(problem)
    with audited(connection, "erase", f"contact {contact_id}", actor=actor, reason=reason) as entry:
        try:
            with connection.transaction():
                report = _erase(connection, contact_id)
        except errors.LockNotAvailable as error:
            problem = "another transaction has locked the contact; try again"
            raise ContactHeldError(problem) from error
        except errors.DeadlockDetected as error:
            problem = "another transaction is writing the contact; try again"
            raise StoreUnavailableError(problem) from error
        entry.rows = report.channels + report.field_values + report.messages + report.requests + (not report.already)
    return report


def lock_contact(connection: Connection, contact_id: int) -> None:
    """Lock a contact, as erasing it does; raise ``LockNotAvailable`` if another transaction holds it."""
    connection.execute(_SQL["lock_contact"], {"contact_id": contact_id})


def _erase(connection: Connection, contact_id: int) -> ErasureReport:
    whose = {"contact_id": contact_id}
    requests = connection.execute(_SQL["strip_imports"], whose).rowcount
    before = connection.execute(_SQL["lock_contact"], whose).fetchone() or {}
    held = connection.execute(_SQL["lock_assignments"], whose).fetchone() or {}
    if held["wait_s"] > 0:
        msg = f"contact {contact_id} is being sent to, {until(held['wait_s'])} at most; erase it then"
        raise LeaseHeldError(msg, wait_s=held["wait_s"])
    connection.execute(_SQL["keep_digests"], whose)
    erased = connection.execute(_SQL["erase_identity"], whose).fetchone() or {}
    return ErasureReport(contact_id=contact_id, already=before["erased"], requests=requests, **erased)


def readmit_contact(
    connection: Connection, *, external_id: str | None = None, channel: Channel | None = None, actor: str = ""
) -> int:
    """Readmit an erased contact under one identifier it had; return its id.

    It is the same contact as before, so it keeps the codes it was given.

    :raises ContactError: no contact with this identifier was erased
    """
    channels = [channel] if channel else []
    identity = {
        "external_id": external_id,
        "types": [one.type for one in channels],
        "locators": [one.value for one in channels],
    }
    found = connection.execute(_SQL["find_erased"], identity).fetchone()
    if found is None:
        problem = "no contact with this identifier was erased"
        raise ContactError(problem)
    whose = {**identity, "contact_id": found["contact_id"]}
    with audited(connection, "readmit", f"contact {found['contact_id']}", actor=actor) as entry:
        with connection.transaction():
            connection.execute(_SQL["lock_contact"], whose)
            connection.execute(_SQL["forget_digests"], whose)
            connection.execute(_SQL["readmit_contact"], whose)
        entry.rows = 1
    return int(found["contact_id"])
