"""No template reaches Python, changes its caller's data, or costs more than its limits allow."""

import copy
import gc
import sys
import time
import tracemalloc
from functools import cache

import pytest

from promo_campaigns.velocity import Template, TemplateError, compile_template
from unit.velocity.velocity_attacks import ATTACKS, CONTEXT, INERT, REFUSED, Attack

MEGABYTE = 1 << 20
MOST_MEMORY = 32 * MEGABYTE
WATCHED = ("open", "import", "exec", "compile", "os", "subprocess", "socket", "ctypes")
CALIBRATION = 1_500_000
"""Turns of a plain loop that cost what an attack may cost: 100 ms of CPU where Python does 15 million a second."""


def outcome(attack: Attack) -> str | TemplateError:
    try:
        return compile_template(attack.template).render(CONTEXT)
    except TemplateError as error:
        return error


def compiled(attack: Attack) -> Template | None:
    try:
        return compile_template(attack.template)
    except TemplateError:
        return None


@cache
def cpu_of_calibration(_attempt: int) -> float:
    """Return the CPU seconds of the plain loop, measured anew for each attempt."""
    start = time.process_time()
    total = 0
    for number in range(CALIBRATION):
        total += number & 3
    return time.process_time() - start


def test_there_are_at_least_sixty_attacks() -> None:
    assert len({attack.template for attack in ATTACKS}) >= 60


@pytest.mark.parametrize("attack", INERT, ids=lambda attack: attack.name)
def test_what_looks_like_python_is_text(attack: Attack) -> None:
    assert outcome(attack) == attack.printed


@pytest.mark.parametrize("attack", REFUSED, ids=lambda attack: attack.name)
def test_what_asks_for_too_much_ends_in_an_error_of_its_own(attack: Attack) -> None:
    assert isinstance(outcome(attack), TemplateError)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_costs_at_most_a_hundred_milliseconds_of_cpu(attack: Attack) -> None:
    costs = []
    for attempt in range(5):
        start = time.process_time()
        outcome(attack)
        costs.append((time.process_time() - start) / cpu_of_calibration(attempt))
        if costs[-1] < 1:
            return
    pytest.fail(f"cost {min(costs):.1f} times what it may")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_takes_at_most_32_megabytes(attack: Attack) -> None:
    gc.collect()
    tracemalloc.start()
    try:
        outcome(attack)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= MOST_MEMORY


def test_no_attack_changes_the_callers_data() -> None:
    safe = {name: value for name, value in CONTEXT.items() if name not in ("deep", "cycle")}
    before = copy.deepcopy(safe)
    for attack in ATTACKS:
        outcome(attack)
    assert safe == before


def test_rendering_opens_imports_and_starts_nothing() -> None:
    templates = [template for attack in ATTACKS if (template := compiled(attack)) is not None]
    seen: list[str] = []
    watching = True

    def watch(event: str, _arguments: tuple[object, ...]) -> None:
        if watching and event.partition(".")[0] in WATCHED:
            seen.append(event)

    sys.addaudithook(watch)
    for template in templates:
        template.render_many([CONTEXT])
    watching = False
    assert not seen
