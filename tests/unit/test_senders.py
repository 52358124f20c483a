"""Senders of e-mail as people write them into a connection."""

from __future__ import annotations

import pytest

from promo_campaigns.delivery.transports.mail import NotMailableError, parse_sender


@pytest.mark.parametrize(
    "text",
    [
        "Shop <news@shop.example>",
        "\u201cShop\u201d <news@shop.example>",
        "'Shop' <news@shop.example>",
        "\u201eShop\u201c <news@shop.example>",
        '"Shop" <news@shop.example> ',
    ],
)
def test_a_name_is_shown_without_the_quotation_marks_around_it(text: str) -> None:
    assert str(parse_sender(text)) == "Shop <news@shop.example>"


@pytest.mark.parametrize("text", ["a@x.example, b@x.example", "a@x.example; b@x.example"])
def test_several_senders_are_refused_and_none_is_passed_over(text: str) -> None:
    with pytest.raises(NotMailableError, match="several addresses"):
        parse_sender(text)
