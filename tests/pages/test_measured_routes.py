"""Every route of the pages is measured beside a large store, or left out with a reason."""

from __future__ import annotations

from benchmarks.page_calls import NOT_MEASURED, Known, reads, writes
from promo_campaigns.ui.app import create_app

ANY = Known(
    live=1,
    large=1,
    paused=1,
    runs=[1],
    contacts=[1],
    unknown=[1],
    codes=["A"],
    files=[1],
    messages=["m"],
    workflows=["w"],
    pools=[("W", 1)],
)


def routes() -> set[str]:
    return {
        f"{method.upper()} {path.removeprefix('/api/')}"
        for path, methods in create_app().openapi()["paths"].items()
        for method in methods
    }


def test_every_route_is_measured_or_left_out_with_a_reason() -> None:
    measured = {name.partition("@")[0] for name in reads(ANY) | writes(ANY)}
    assert routes() - measured == set(NOT_MEASURED)
    assert measured - routes() == set()
