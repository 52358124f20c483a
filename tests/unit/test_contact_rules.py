"""The rules of contacts, without a store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.model.contact_rules import (
    LOCATOR_BYTES,
    clean_channel_type,
    clean_external_id,
    clean_field_id,
    clean_field_value,
    clean_language,
    clean_locator,
    clean_name,
    clean_values,
    mask_value,
)
from promo_campaigns.model.contacts import Channel, Contact, Owner, check_identity, choose_owner
from promo_campaigns.model.errors import ContactError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("channel_type", "text", "kept"),
    [
        ("email", " Ann.Lee+promo@Example.com ", "Ann.Lee+promo@Example.com"),
        ("email", "o'brien@mail.example.co.uk", "o'brien@mail.example.co.uk"),
        ("email", "анна@приклад.укр", "анна@приклад.укр"),
        ("sms", "+380 (50) 123-45-67", "380501234567"),
        ("sms", "12025550123", "12025550123"),
        ("mobilepush", "fGh7:APA91b_-x", "fGh7:APA91b_-x"),
        ("viber", "anything goes", "anything goes"),
    ],
)
def test_values_that_are_kept(channel_type: str, text: str, kept: str) -> None:
    assert clean_locator(channel_type, text) == kept


@pytest.mark.parametrize(
    ("channel_type", "text"),
    [
        *(("email", text) for text in ("", "ann", "ann@", "@example.com", "ann@example", "a b@example.com")),
        *(("email", text) for text in ("a@b@example.com", "a@example.com\nbcc: x@example.com", "a@-example.com")),
        *(("email", text) for text in ("<a@example.com>", "a@example..com", "x" * 65 + "@example.com", "a@e.com\x00")),
        *(("email", text) for text in ("a@" + "d" * 190 + ".com", "a@example.com\ud800", "a,b@example.com")),
        *(("sms", text) for text in ("", "12345", "0501234567", "1234567890123456", "38050abc4567", "++380501234567")),
        *(("sms", text) for text in ("٣٨٠٥٠١٢٣٤٥٦٧", "38050\n1234567", "token-a")),
        *(("mobilepush", text) for text in ("", "  ", "to\x00ken", "to\nken", "x" * (LOCATOR_BYTES + 1), "\ud800")),
    ],
)
def test_values_that_are_refused_and_never_repeated(channel_type: str, text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        clean_locator(channel_type, text)
    assert len(text) < 4 or text not in str(caught.value)


@given(st.text(), st.sampled_from(["email", "sms", "mobilepush"]))
def test_a_cleaned_value_stays_as_it_is_when_cleaned_again(text: str, channel_type: str) -> None:
    try:
        value = clean_locator(channel_type, text)
    except ValueError:
        return
    assert clean_locator(channel_type, value) == value
    assert value.encode()
    assert "\x00" not in value


@pytest.mark.parametrize("text", ["Email", "e-mail", "", "1st", "a" * 33, "email ", "é"])
def test_a_channel_type_is_a_lower_case_name(text: str) -> None:
    assert clean_channel_type("mobilepush") == "mobilepush"
    with pytest.raises(ValueError, match="lower-case"):
        clean_channel_type(text)


@pytest.mark.parametrize("text", ["O'Brien-Smith Jr.", "Наталія", " Ann ", "x" * 40, "李"])
def test_names_that_are_kept(text: str) -> None:
    assert clean_name(text) == text.strip()


@pytest.mark.parametrize("text", ["x" * 41, "<b>", "$code", "#set", "a\nb", "a|b", "{x}", "a\u2028b", "\ud800"])
def test_names_that_are_refused(text: str) -> None:
    """Over 40 characters or with forbidden characters."""
    with pytest.raises(ValueError, match="a name"):
        clean_name(text)


@pytest.mark.parametrize(
    ("clean", "good", "bad"),
    [
        (clean_external_id, " ext-1 ", "a\tb"),
        (clean_external_id, "x" * 255, "x" * 256),
        (clean_language, "pt-BR", "english!"),
        (clean_language, "uk", ""),
    ],
)
def test_external_ids_and_languages(clean: Callable[[str], str], good: str, bad: str) -> None:
    assert clean(good) == good.strip()
    with pytest.raises(ValueError, match=r"external id|language"):
        clean(bad)


@pytest.mark.parametrize("raw", [17, "17", "00017"])
def test_a_field_id_comes_as_a_number_or_a_string(raw: str | int) -> None:
    assert clean_field_id(raw) == 17


@pytest.mark.parametrize("raw", [0, -1, True, 1.5, "x", "", "1e3", " 1", 2**63, "٣"])
def test_a_field_id_is_a_whole_number_above_0(raw: str | float) -> None:
    with pytest.raises(ValueError, match="field id"):
        clean_field_id(raw)


@pytest.mark.parametrize(
    ("field_type", "good", "bad"),
    [
        ("number", "-12", "1.5"),
        ("decimal", "12.50", "1,5"),
        ("date", "2030-02-28", "2030-02-30"),
        ("datetime", "2030-02-28T23:59", "2030-02-28 23:59"),
        ("textfield", "=1+1", "\x00"),
        ("textarea", "two\nlines", "x" * 10_001),
        ("combobox", "", "\ud800"),
    ],
)
def test_a_value_fits_the_type_of_its_field(field_type: str, good: str, bad: str) -> None:
    assert clean_field_value(field_type, good) == good
    with pytest.raises(ValueError, match=r"value|field"):
        clean_field_value(field_type, bad)


def test_values_are_checked_against_the_fields_that_exist() -> None:
    assert clean_values({1: "WELCOME", 2: None}, {1: "textfield", 2: "number"}) == {1: "WELCOME", 2: None}
    with pytest.raises(ContactError, match=r"^field 3: there is no such field"):
        clean_values({3: "x"}, {1: "textfield"})
    with pytest.raises(ContactError, match=r"^field 2: this field takes a whole number"):
        clean_values({2: "secret"}, {2: "number"})


@pytest.mark.parametrize(
    ("contact", "place"),
    [
        (Contact(first_name="Ann"), ""),
        (Contact((Channel("email", "a@example.com"), Channel("email", "b@example.com"))), "channels[1]"),
        (Contact((Channel("mobilepush", "t"), Channel("mobilepush", "t"))), "channels[1]"),
    ],
)
def test_a_contact_must_be_findable_and_not_contradict_itself(contact: Contact, place: str) -> None:
    with pytest.raises(ContactError) as caught:
        check_identity(contact)
    assert caught.value.place == place


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=4))
def test_an_owner_is_chosen_only_when_all_identifiers_agree(found: list[tuple[int, int]]) -> None:
    owners = [Owner(position, contact_id, None) for position, contact_id in found]
    contact = Contact((Channel("mobilepush", "t"),), external_id="ext")
    if len({owner.contact_id for owner in owners}) > 1:
        with pytest.raises(ContactError):
            choose_owner(contact, owners)
    else:
        assert choose_owner(contact, owners) == (owners[0].contact_id if owners else None)


@given(st.text(min_size=1))
def test_a_mask_shows_at_most_half(text: str) -> None:
    assert len(mask_value(text)) - 1 <= len(text) / 2
    assert re.fullmatch(r".{0,2}….{0,2}", mask_value(text), re.DOTALL)


def test_a_contact_does_not_print_its_addresses() -> None:
    shown = repr(Contact((Channel("email", "ann@example.com"),), {1: "WELCOME"}))
    assert "ann@" not in shown
    assert "WELCOME" not in shown
