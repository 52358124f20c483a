"""How many text messages a text is."""

from __future__ import annotations

import pytest

from promo_campaigns.preview.text_segments import GSM_7, UCS_2, count_segments


@pytest.mark.parametrize(
    ("text", "encoding", "characters", "count", "room"),
    [
        ("", GSM_7, 0, 0, 160),
        ("Your code: WELCOME-7Q", GSM_7, 21, 1, 139),
        ("x" * 160, GSM_7, 160, 1, 0),
        ("x" * 161, GSM_7, 161, 2, 145),
        ("x" * 306, GSM_7, 306, 2, 0),
        ("x" * 307, GSM_7, 307, 3, 152),
        ("€" * 80, GSM_7, 160, 1, 0),
        ("Знижка", UCS_2, 6, 1, 64),
        ("я" * 70, UCS_2, 70, 1, 0),
        ("я" * 71, UCS_2, 71, 2, 63),
        ("\N{PARTY POPPER}" * 35, UCS_2, 70, 1, 0),
        ("-10 % « »", UCS_2, 9, 1, 61),
    ],
)
def test_a_text_is_counted_as_networks_count_it(
    text: str, encoding: str, characters: int, count: int, room: int
) -> None:
    found = count_segments(text)
    assert (found.encoding, found.characters, found.count, found.room) == (encoding, characters, count, room)


def test_a_character_of_two_places_is_not_cut_between_two_messages() -> None:
    """The first message ends a place early, so that one more text is needed than the places alone say."""
    assert count_segments("x" * 152 + "€" + "x" * 152).count == 3
    assert count_segments("я" * 66 + "\N{PARTY POPPER}" + "я" * 66).count == 3


def test_the_characters_that_make_a_text_dear_are_named() -> None:
    assert count_segments("Ваш код: A, ваш код").strange == "Вашкодв"
