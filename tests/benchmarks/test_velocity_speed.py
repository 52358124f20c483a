"""Templates render faster than in the engines there are, in one run: `pytest tests/benchmarks -m benchmark`."""

import gc
import sys
import time

import pytest

from benchmarks.velocity_speed import BODY, PUSH, body_engines, contexts, push_engines, speeds
from promo_campaigns.velocity import compile_template

pytestmark = pytest.mark.benchmark
COUNT = 100_000
PUSH_OVER_AIRSPEED = 12
PUSH_OVER_JINJA2 = 7
BODY_OVER_AIRSPEED = 8
MILLION = 1_000_000


def test_a_push_renders_twelve_times_as_fast_as_airspeed_and_seven_times_as_fast_as_jinja2() -> None:
    found = speeds(push_engines(), contexts(COUNT))
    assert found["ours"] >= PUSH_OVER_AIRSPEED * found["airspeed"]
    assert found["ours"] >= PUSH_OVER_JINJA2 * found["jinja2"]


def test_a_json_body_with_escaping_renders_eight_times_as_fast_as_airspeed_without() -> None:
    found = speeds(body_engines(), contexts(COUNT))
    assert found["ours"] >= BODY_OVER_AIRSPEED * found["airspeed"]


def test_all_engines_render_the_same_texts() -> None:
    for context in contexts(2):
        assert len({engine.render(context) for engine in push_engines()}) == 1
        assert len({engine.render(context) for engine in body_engines()}) == 1


def test_compiling_a_push_costs_at_most_as_much_as_a_hundred_airspeed_renders() -> None:
    """On the machine where airspeed renders 36,000 pushes a second that is 2.8 ms."""
    airspeed = next(engine for engine in push_engines() if engine.name == "airspeed")
    context = contexts(1)[0]
    start = time.process_time()
    for _ in range(2_000):
        airspeed.render(context)
    hundred = (time.process_time() - start) / 20
    start = time.process_time()
    for number in range(100):
        compile_template(f"{PUSH}{number}")
    assert (time.process_time() - start) / 100 <= hundred


def test_memory_does_not_grow_over_a_million_renders() -> None:
    push, body = compile_template(PUSH), compile_template(BODY, mode="json")
    rows = contexts(1_000)
    push.render_many(rows)
    body.render_many(rows)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(MILLION // len(rows) // 2):
        push.render_many(rows)
        body.render_many(rows)
    gc.collect()
    assert sys.getallocatedblocks() - before < len(rows)
