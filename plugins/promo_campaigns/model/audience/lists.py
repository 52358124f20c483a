"""An audience that is given as a list of contacts."""

from __future__ import annotations

from dataclasses import dataclass, field

CONTACT_ID = "contactId"
EXTERNAL_ID = "externalId"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceList:
    """The contacts that a list names. Never logged or kept in the ledger: it may hold addresses.

    :ivar by: ``contactId``, ``externalId``, or the type of a channel
    :ivar sha256: digest of the file; the ledger keeps it in place of the list
    :ivar told: for each of them its values of the columns that the audience declares, as a JSON object of type and text
        by name; empty where it declares none
    """

    by: str
    values: tuple[str, ...] = field(repr=False)
    sha256: str
    told: tuple[str, ...] = field(default=(), repr=False)
