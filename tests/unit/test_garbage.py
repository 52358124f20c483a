"""The collector is slowed for a block and no longer."""

from __future__ import annotations

import gc

import pytest

from promo_campaigns.delivery.gc_pause import NEW_OBJECTS, collected_seldom


def test_the_collector_is_as_it_was_after_the_block_even_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"), collected_seldom():  # noqa: PT012  (the block is what is tested)
        assert gc.get_threshold()[0] == NEW_OBJECTS
        raise ValueError("broken")  # noqa: EM101  (the block's own)
    assert gc.get_threshold() == before
