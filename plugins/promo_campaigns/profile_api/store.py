"""Access of the profile API to the store, through a pool of connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from promo_campaigns.contacts.addresses import put_address
from promo_campaigns.contacts.closing import close_channels, hear_notice
from promo_campaigns.contacts.erasure import erase_contact, find_contact, lock_contact
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.contacts.groups import ensure_groups, find_groups, join_groups
from promo_campaigns.contacts.import_queue import accept_import, read_import, run_next_import
from promo_campaigns.contacts.store import list_fields, put_contact, update_contact
from promo_campaigns.ledger.lookups.pictures import picture_key, pictured_code
from promo_campaigns.model.contact_rules import clean_values
from promo_campaigns.postgres.pool import StorePool
from promo_campaigns.redemptions.rules import EVENT_TYPE, redemption_of
from promo_campaigns.redemptions.store import add_redemptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from promo_campaigns.contacts.closing import Closed
    from promo_campaigns.contacts.import_request import ContactImport, ImportStatus
    from promo_campaigns.model.contacts import Closing, Contact, Field, Rejected
    from promo_campaigns.model.events import Event
    from promo_campaigns.postgres.connection import Connection

Answer = TypeVar("Answer")

_LOCK_WAIT_MS = 25
"""A lock that is not free after so long is not another request's: the caller waits elsewhere, without a connection."""


class ProfileStore:
    """Contacts, fields, imports and events behind one pool; every method may be called from any thread.

    Each method raises ``StoreUnavailableError`` or ``StoreError`` if the database fails.

    :param dsn: ``postgresql://`` URI of the database
    :param connections: connections held open, > 0
    """

    def __init__(self, dsn: str, *, connections: int) -> None:
        self.connections = connections
        self._pool = StorePool(dsn, size=connections, lock_wait_ms=_LOCK_WAIT_MS)
        self._types: Mapping[int, str] = {}
        self._picture_key = b""
        self._importing: Connection | None = None
        self._importing_lock = threading.Lock()

    def open(self) -> None:
        """Connect.

        :raises ConfigurationError: the server cannot be reached
        """
        self._pool.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def run(self, work: Callable[[Connection], Answer]) -> Answer:
        """Do something on a connection; it may be done twice."""
        return self._pool.run(work)

    def check_values(self, contact: Contact) -> None:
        """Check the additional fields of a contact.

        :raises ContactError: see ``model.contacts.clean_values``
        """
        clean_values(contact.values, self.field_types(contact.values))

    def put(self, contact: Contact, groups: Sequence[str] = ()) -> int:
        """Create or update a contact, and put it into groups; return its id.

        :raises ContactError: see ``contacts.store.put_contact`` and ``model.contacts.clean_values``
        """
        self.check_values(contact)

        def put(connection: Connection) -> int:
            contact_id = put_contact(connection, contact)
            put_address(connection, contact_id, contact.address)
            if groups:
                join_groups(connection, contact_id, ensure_groups(connection, groups))
            return contact_id

        return self._pool.run(put)

    def update(self, contact_id: int, contact: Contact, groups: Sequence[str]) -> int | None:
        """Update a contact by its own id, and put it into groups; return the id, or None if there is no such contact.

        :raises ContactError: as ``put``
        """
        self.check_values(contact)

        def update(connection: Connection) -> int | None:
            found = update_contact(connection, contact_id, contact)
            if found is not None:
                put_address(connection, contact_id, contact.address)
                if groups:
                    join_groups(connection, contact_id, ensure_groups(connection, groups))
            return found

        return self._pool.run(update)

    def groups_of(self, joined: Sequence[str], left: Sequence[str]) -> tuple[Sequence[int], Sequence[int]]:
        """Return the ids of groups that contacts join, which are created, and of those that they leave."""
        return self._pool.run(lambda connection: (ensure_groups(connection, joined), find_groups(connection, left)))

    def add_event(self, event: Event) -> int:
        """Store an event, once even if the connection is lost; return its id.

        With an event that says that a code was redeemed, the redemption is kept.

        :raises ContactError: what it says of a redemption is missing or wrong
        """
        if event.type != EVENT_TYPE:
            return self._pool.run(lambda connection: add_event(connection, event))
        redemption = redemption_of(event)

        def add(connection: Connection) -> int:
            with connection.transaction():
                event_id = add_event(connection, event)
                add_redemptions(connection, [redemption], "event")
            return event_id

        return self._pool.run(add)

    def find(self, contact_id: int | None, external_id: str | None) -> int | None:
        """Return the id of a contact by its id or external id, also of one that was erased or deleted, or None."""
        return self._pool.run(
            lambda connection: find_contact(connection, contact_id=contact_id, external_id=external_id)
        )

    def erase(self, contact_id: int, actor: str) -> None:
        """Erase a contact.

        :param actor: who, for the audit
        :raises LeaseHeldError: a send to it is in progress
        """

        def erase(connection: Connection) -> None:
            # A try that finds the contact held leaves no entry in the audit.
            lock_contact(connection, contact_id)
            erase_contact(connection, contact_id, actor=actor)

        self._pool.run(erase)

    def close_channels(self, closings: Sequence[Closing]) -> list[Closed]:
        """Close channels; return what became of each closing."""
        return self._pool.run(lambda connection: close_channels(connection, closings))

    def hear_notice(self, signature: bytes, closings: Sequence[Closing], keep_s: float) -> list[Closed] | None:
        """Close channels because a signed notice says so; None if it was heard before."""
        return self._pool.run(lambda connection: hear_notice(connection, signature, closings, keep_s=keep_s))

    def picture_key(self) -> bytes:
        """Return the key of signed links, read once: another key takes effect with the next start."""
        if not self._picture_key:
            self._picture_key = self._pool.run(picture_key)
        return self._picture_key

    def pictured_code(self, run_id: int, contact_id: int) -> str | None:
        """Return the code that a contact holds in a run; None if there is none to be shown any more."""
        return self._pool.run(lambda connection: pictured_code(connection, run_id, contact_id))

    def fields(self) -> Sequence[Field]:
        """Return the additional fields, ordered by id."""
        return self._pool.run(list_fields)

    def field_types(self, wanted: Iterable[int]) -> Mapping[int, str]:
        """Return the types by field id, read again if one of the wanted ids is not known yet."""
        if any(field_id not in self._types for field_id in wanted):
            self._types = {field.field_id: field.type for field in self.fields()}
        return self._types

    def accept(self, request: ContactImport, *, total: int, failures: Sequence[Rejected]) -> str:
        """Queue a bulk request; return its session id."""
        return self._pool.run(lambda connection: accept_import(connection, request, total=total, failures=failures))

    def run_next_import(self, *, refuse_held: bool = False) -> bool:
        """Carry out the oldest bulk request; return whether there may be another.

        :param refuse_held: refuse contacts of it that are locked
        :raises ContactHeldError: a contact of it is locked; it stays queued
        """
        return self._pool.run(lambda connection: self._run_next_import(connection, refuse_held=refuse_held))

    def cancel_import(self) -> None:
        """Cancel the import in progress, if there is one: ``run_next_import`` raises and it stays queued."""
        with self._importing_lock:
            if self._importing is not None:
                self._importing.cancel_safe(timeout=1.0)

    def _run_next_import(self, connection: Connection, *, refuse_held: bool) -> bool:
        # The lock keeps a cancellation from reaching a connection that meanwhile serves another request.
        with self._importing_lock:
            self._importing = connection
        try:
            return run_next_import(connection, refuse_held=refuse_held)
        finally:
            with self._importing_lock:
                self._importing = None

    def read_import(self, session_id: str) -> ImportStatus | None:
        """Return the status of a bulk request, or None if there is no such session."""
        return self._pool.run(lambda connection: read_import(connection, session_id))
