"""Time zones that Python knows and Postgres does not: refused when they are read, never in the middle of a send."""

from __future__ import annotations

import shutil
import zoneinfo
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.contacts.load import load_contact_file
from promo_campaigns.contacts.store import put_contact
from promo_campaigns.model.contacts import Channel, Contact
from promo_campaigns.model.errors import ConfigurationError, ContactError
from promo_campaigns.model.limits import is_time_zone, limit_parameters, parse_limits
from promo_campaigns.preview.quiet_hours import PreviewHours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

NEW = "Europe/Newtown"
"""A zone that this machine has heard of and the server has not."""


@pytest.fixture
def newer_zones(tmp_path: Path) -> Iterator[None]:
    """Give Python zone data that is newer than the server's."""
    source = next(place for root in zoneinfo.TZPATH if (place := f"{root}/Europe/Kyiv"))
    (tmp_path / "Europe").mkdir()
    shutil.copy(source, tmp_path / NEW)
    zoneinfo.reset_tzpath([str(tmp_path), *zoneinfo.TZPATH])
    is_time_zone.cache_clear()
    yield
    zoneinfo.reset_tzpath()
    is_time_zone.cache_clear()


@pytest.mark.usefixtures("newer_zones")
def test_a_definition_with_such_a_zone_opens_no_run(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    limits = parse_limits(quiet_hours="21:00-09:00", time_zone=NEW, frequency_cap="")
    with pytest.raises(ConfigurationError, match=f"time_zone '{NEW}' is not known to the promo database's server"):
        open_welcome(store, spec=replace(SPEC, limits=limits))
    assert store.execute("select from promo.run").fetchall() == []
    with pytest.raises(ConfigurationError, match="update the server's time zone data"):
        PreviewHours(store, limit_parameters(limits), at=None, send_by=None).of(NEW)


@pytest.mark.usefixtures("newer_zones")
def test_a_contact_with_such_a_zone_is_refused_by_its_line(store: Connection, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(f"externalId,timeZone\n1,Europe/Kyiv\n2,{NEW}\n3,\n4,nowhere\n", encoding="utf-8")
    with path.open("rb") as stream:
        report = load_contact_file(store, stream, file=path.name)
    assert report.inserted == 2
    assert [(one.line, one.column) for one in report.rejects] == [(3, "timeZone"), (5, "timeZone")]
    assert "the database's server does not know this time zone" in report.rejects[0].reason


@pytest.mark.usefixtures("newer_zones")
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_the_profile_api_says_which_part_of_a_contact_it_cannot_keep(store: Connection, known: bool) -> None:  # noqa: FBT001  (a parameter of the test)
    contact = Contact(external_id="1", channels=(Channel(type="email", value="a@example.com"),))
    if known:
        put_contact(store, contact)
    with pytest.raises(ContactError, match="timeZone: the database's server does not know this time zone"):
        put_contact(store, replace(contact, time_zone=NEW))


def test_a_zone_that_the_server_has_forgotten_opens_no_run(store: Connection) -> None:
    """An update of the system may take old names away; contacts who were loaded with one are still there."""
    who = add_contacts(store, 3)
    add_codes(store, 3)
    store.execute("alter table promo.contact drop constraint contact_time_zone")
    store.execute("update promo.contact set time_zone = 'US/Atlantis' where contact_id <= %s", [who[1]])
    limits = parse_limits(quiet_hours="21:00-09:00", time_zone="Europe/Kyiv", frequency_cap="")
    with pytest.raises(ConfigurationError, match=r"2 contacts of the run have .* \(US/Atlantis\)"):
        open_welcome(store, spec=replace(SPEC, limits=limits))
    assert store.execute("select from promo.run").fetchall() == []
    open_welcome(store, spec=SPEC)  # without quiet hours nobody's clock matters


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "right/Europe/Kyiv", "posix/Europe/Kyiv"])
def test_what_is_no_place_is_no_zone(name: str) -> None:
    assert not is_time_zone(name)


def test_every_zone_of_python_is_known_to_the_server_that_is_tested_with(store: Connection) -> None:
    names = [name for name in sorted(zoneinfo.available_timezones()) if is_time_zone(name)]
    asked: dict[str, Any] = {"names": names}
    strange = store.execute(
        "select name from unnest(%(names)s::text[]) name where not promo.knows_zone(name)", asked
    ).fetchall()
    assert strange == []
