"""What an audience of another database tells of its contacts, kept for one run: no part of the profile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.model.audience.lists import CONTACT_ID, EXTERNAL_ID
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promo_campaigns.model.audience.lists import AudienceList
    from promo_campaigns.model.run_spec import Audience
    from promo_campaigns.postgres.connection import Connection

    Columns = Mapping[str, Sequence[str]]

_SQL = queries(__name__)
_LOT = 10_000
"""Contacts of one statement: an array of a million long texts would not fit into one."""


def keep_values(connection: Connection, run_id: int, audience: Audience) -> None:
    """Keep the values of a run's contacts, in the transaction in which it is opened.

    :raises DefinitionError: two rows tell different things of one contact
    """
    if not audience.columns or audience.listed is None:
        return
    for contact_ids, told in _lots(connection, audience.listed):
        lot = {"run_id": run_id, "contact_ids": bigint_array(contact_ids), "told": text_array(told)}
        if connection.execute(_SQL["keep_values"], lot).fetchall()[0]["differing"]:
            _refuse_twice(audience)


def known_values(connection: Connection, audience: Audience) -> dict[int, str]:
    """Return what another database told of contacts, as JSON by contact; nothing where it was not asked.

    :raises DefinitionError: two rows tell different things of one contact
    """
    known: dict[int, str] = {}
    if audience.columns and audience.listed is not None:
        for contact_ids, told in _lots(connection, audience.listed):
            for contact_id, text in zip(contact_ids, told, strict=True):
                if known.setdefault(contact_id, text) != text:
                    _refuse_twice(audience)
    return known


def parse_values(told: str | None) -> Columns | None:
    """Return type and text of each column, as a template's context is made of them."""
    return None if told is None else dict(json.loads(told))


def lacks_values(connection: Connection, run_id: int, audience: Audience) -> bool:
    """Tell whether the audience has columns, and nothing is kept of them for a run: it was opened long ago."""
    if not audience.columns:
        return False
    return not connection.execute(_SQL["has_values"], {"run_id": run_id}).fetchall()[0]["kept"]


def erase_values(connection: Connection, *, days: int) -> int:
    """Erase the values of runs that were opened so many days ago, and return of how many contacts."""
    return connection.execute(_SQL["erase_values"], {"days": days}).rowcount


def erase_match_values(connection: Connection, *, days: int) -> int:
    """Erase by what the codes of runs matched that were opened so many days ago, and return of how many contacts."""
    erase = _SQL["erase_values"].replace("promo.audience_value", "promo.match_value")
    return connection.execute(erase, {"days": days}).rowcount


def _lots(connection: Connection, listed: AudienceList) -> Iterator[tuple[list[int], list[str]]]:
    """Yield contacts and what was told of each; who is nobody's is left out."""
    for first in range(0, len(listed.values), _LOT):
        values, told = listed.values[first : first + _LOT], listed.told[first : first + _LOT]
        if listed.by == CONTACT_ID:
            yield [int(value) for value in values], list(told)
            continue
        query = _SQL["which_external_ids" if listed.by == EXTERNAL_ID else "which_locators"]
        rows = connection.execute(query, {"by": listed.by, "values": text_array(values)}).fetchall()
        yield [row["contact_id"] for row in rows], [told[row["place"] - 1] for row in rows]


def _refuse_twice(audience: Audience) -> NoReturn:
    problem = "two rows name one contact, and tell different things of it"
    hint = "Let the SELECT yield each contact once, such as by: group by"
    raise DefinitionError(problem, file=f"audiences/{audience.name}.sql", hint=hint)
