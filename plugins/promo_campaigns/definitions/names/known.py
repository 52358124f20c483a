"""What the texts of a campaign can read, by where they stand, and the name that was meant by one that is unknown."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from promo_campaigns.definitions.data_source_file import BATCH
from promo_campaigns.definitions.sample_answers import has_sample_answer, read_sample_answer
from promo_campaigns.delivery.rendering import WEBHOOK_NAMES
from promo_campaigns.model.audience.columns import AUDIENCE
from promo_campaigns.model.template_context import DATA, TOOL_NAMES, VALUE_NAMES
from promo_campaigns.velocity import ANYTHING, Names, Several

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from promo_campaigns.model.audience.columns import AudienceColumn
    from promo_campaigns.velocity import Shape

    Known = Mapping[str, Shape]

_TOOLS = dict.fromkeys(TOOL_NAMES, ANYTHING)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWNERS = re.compile(r"^(contact|customer|user|subscriber|recipient|lead|profile|person|client|member|var|data)s?\W")
_MEANT = {
    "first_name": ("fname", "firstname", "givenname", "name", "vorname", "prenom", "imya"),
    "last_name": ("lname", "lastname", "surname", "familyname", "nachname", "nom"),
    "contact_unique_identifier": ("email", "emailaddress", "phone", "phonenumber", "mobile", "token"),
    "promocode": (
        *("code", "promocode", "promo", "coupon", "couponcode", "voucher", "vouchercode", "discountcode", "giftcode"),
        *("uniquecode", "promotioncode", "promotion", "couponid"),
    ),
    "expiration_date": ("expires", "expiry", "expirydate", "expiredate", "expiration", "expirationdate", "validuntil"),
    "discount": ("discount", "percent", "percentage", "discountpercent", "discountvalue", "off"),
    "language": ("language", "languagecode", "lang", "locale"),
    "contact_id": ("id", "contactid", "userid", "customernumber"),
    "external_id": ("externalid", "externalcustomerid", "customerid", "clientid"),
}
"""Our names, and what other products call the same."""


def contact_names(further: Known) -> Known:
    """Return what a text for one contact can read.

    :param further: fields, answers of data sources and parameters of an event
    """
    names = {**further, **dict.fromkeys(VALUE_NAMES, ANYTHING)}
    return {**_TOOLS, **names, DATA: Names(names)}


def audience_names(columns: Sequence[AudienceColumn] | None) -> Known:
    """Return the name of the columns of an audience; nothing where it has none.

    :param columns: None where the audience is not known, so that any may be there
    """
    if columns is None:
        return {AUDIENCE: ANYTHING}
    return {AUDIENCE: Names({column.name: ANYTHING for column in columns})} if columns else {}


def batch_names(contact: Known) -> Known:
    """Return what a request for several contacts can read."""
    batch = Several(Names(contact))
    return {**_TOOLS, BATCH: batch, DATA: Names({BATCH: batch})}


def webhook_names(options: Iterable[str]) -> Known:
    """Return what a request can read that carries a message.

    :param options: the names of the message's options
    """
    names: dict[str, Shape] = dict.fromkeys(WEBHOOK_NAMES, ANYTHING)
    names["options"] = Names(dict.fromkeys(options, ANYTHING))
    return {**_TOOLS, **names, DATA: Names(names)}


def answer_shape(include: Path, source: str) -> Shape | None:
    """Return what the answer of a data source holds by its example; None if there is no example.

    :raises DefinitionError: the example is no JSON
    """
    return example_shape(read_sample_answer(include, source)) if has_sample_answer(include, source) else None


def example_shape(example: object) -> Shape:
    """Return the shape of an example value: the names in its maps, the items of a list taken together."""
    if isinstance(example, dict):
        return Names({name: example_shape(value) for name, value in example.items()})
    if isinstance(example, list) and example:
        return Several(_together([example_shape(item) for item in example]))
    return ANYTHING


def _together(shapes: list[Shape]) -> Shape:
    """Return one shape for the items of a list."""
    members: dict[str, Shape] = {}
    for shape in shapes:
        if not isinstance(shape, Names):
            return ANYTHING
        members.update(shape.members)
    return Names(members)


def meant_name(name: str, known: Collection[str], *, is_near_enough: bool = True) -> str:
    """Return which known name was meant by one that is not known; empty if that is not plain.

    :param name: a name, or what another product writes between its brackets, such as ``contact.firstName``
    :param is_near_enough: whether a name that is only near to a known one may mean it
    """
    ours = {_folded(one): one for one in (*sorted(known), *(one for one in VALUE_NAMES if one in known))}
    plain = _folded(_OWNERS.sub("", name.lower()))
    same = ours.get(plain) or next((one for one, theirs in _MEANT.items() if plain in theirs and one in known), "")
    near = get_close_matches(_folded(name), sorted(ours), n=1) if is_near_enough and not same else ()
    return same or ours.get(next(iter(near), ""), "")


def is_owner(name: str) -> bool:
    """Tell whether other products call a contact by this name, such as ``contact`` in ``contact.firstName``."""
    return _OWNERS.match(f"{name.lower()}.") is not None


def written(name: str) -> str:
    """Return how a template reads a name."""
    return f"${name}" if is_word(name) else f"$data.get('{name}')"


def is_word(name: str) -> bool:
    """Tell whether a name can stand behind a ``$``."""
    return _WORD.fullmatch(name) is not None


def _folded(name: str) -> str:
    return re.sub(r"[^0-9a-z]", "", name.lower())
