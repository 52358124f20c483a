"""Which contacts of a request its answer names as failed, in each form that the vendor's API has been seen to use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.model.run import Recipient

ITEMS = "failedContacts"
COUNT = "failed"
_POSITIONS = ("position", "index")
_IDENTITIES = ("externalCustomerId", "external_id", "locator", "value", "email", "sms", "contactKey")
NAMED = "the answer names it as failed"


@dataclass(frozen=True, slots=True)
class FailedItems:
    """The contacts that an answer names as failed.

    :ivar contact_ids: those who could be identified
    :ivar unnamed: others failed who could not be identified
    """

    contact_ids: frozenset[int] = field(default=frozenset())
    unnamed: bool = False

    def __or__(self, other: FailedItems) -> FailedItems:
        """Return who failed by either."""
        return FailedItems(self.contact_ids | other.contact_ids, self.unnamed or other.unnamed)


def failed_items(answer: object, recipients: Sequence[Recipient]) -> FailedItems:
    """Read ``failedContacts``: a list, one item without its list, or items by what they belong to; ids may be texts.

    An item belongs to a contact by its position from 0, its external id or its locator. One that could belong to
    several, or to none, is unnamed; so are those that a count ``failed`` has too many.
    """
    if not isinstance(answer, dict):
        return FailedItems()
    found: set[int] = set()
    unnamed = count = 0
    for item in _items(answer.get(ITEMS)):
        count += 1
        owners = _owners(item, recipients)
        found |= owners if len(owners) == 1 else set()
        unnamed += len(owners) != 1
    told = _whole(answer.get(COUNT))
    return FailedItems(frozenset(found), unnamed > 0 or (told is not None and told > count))


def _items(listed: object) -> Iterator[object]:
    if isinstance(listed, dict):
        if not listed or any(key in listed for key in (*_POSITIONS, *_IDENTITIES)):
            yield from [listed] if listed else []
        else:
            yield from listed
    elif isinstance(listed, list):
        yield from listed
    elif listed not in (None, "", False):
        yield listed


def _owners(item: object, recipients: Sequence[Recipient]) -> set[int]:
    if not isinstance(item, dict):
        return _at(item, recipients) | _named(item, recipients)
    for key in _POSITIONS:
        if key in item:
            return _at(item[key], recipients)
    owners: set[int] = set()
    for key in _IDENTITIES:
        owners |= _named(item.get(key), recipients)
    return owners


def _at(position: object, recipients: Sequence[Recipient]) -> set[int]:
    place = _whole(position)
    return {recipients[place].contact_id} if place is not None and place < len(recipients) else set()


def _named(value: object, recipients: Sequence[Recipient]) -> set[int]:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return set()
    name = str(value)
    return {one.contact_id for one in recipients if name in (one.external_id, one.locator)} if name else set()


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004  (no request holds more)
