"""How often Python looks for garbage while calls are made."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.delivery.garbage import NEW_OBJECTS, rarely_collected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def own_thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_python_looks_less_often_until_the_block_ends() -> None:
    gc.set_threshold(700, 10, 10)
    with rarely_collected():
        assert gc.get_threshold() == (NEW_OBJECTS, 10, 10)
        with rarely_collected():
            assert gc.get_threshold() == (NEW_OBJECTS, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_of_two_blocks_that_overlap_the_last_puts_back_what_was() -> None:
    gc.set_threshold(700, 10, 10)
    first, second = rarely_collected(), rarely_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == NEW_OBJECTS
    second.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)


def test_an_error_ends_it_too() -> None:
    gc.set_threshold(700, 10, 10)
    with pytest.raises(ValueError, match="lost"), rarely_collected():
        int("lost")
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [0, 2 * NEW_OBJECTS])
def test_who_looks_never_or_even_less_often_is_left_alone(own: int) -> None:
    gc.set_threshold(own, 10, 10)
    with rarely_collected():
        assert gc.get_threshold()[0] == own
