"""Templates drawn from the whole grammar come out as Apache Velocity renders them.

Velocity 2.4.1 is asked where its jars are (`VELOCITY_2_CLASSPATH`, or Maven's local repository), else Debian's 1.7.
`PROMO_VELOCITY_TEMPLATES=5000 PROMO_VELOCITY_SEED=7` draws more, and other ones. `generated.jsonl` keeps what 2.4.1
gave for some, for where there is no Java.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import pytest

from promo_campaigns.velocity import TemplateError, compile_template
from unit.velocity.template_generator import CONTEXT, TemplateGenerator
from unit.velocity.velocity_oracle import DEBIAN_JARS, JavaMissingError, Oracle, modern_jars

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = re.compile(r"\[Ljava|@[0-9a-f]{4,}")
COUNT = int(os.environ.get("PROMO_VELOCITY_TEMPLATES", "250"))
SEED = int(os.environ.get("PROMO_VELOCITY_SEED", "1"))
RECORDED = Path(__file__).parent / "generated.jsonl"


class Engine(NamedTuple):
    """A running Velocity, the dialect it is compared with, and which share of templates has to come out alike."""

    oracle: Oracle
    dialect: Literal["2.4", "1.7"]
    least: float


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    modern = modern_jars()
    jars = modern or DEBIAN_JARS
    if not all(jar.exists() for jar in jars):
        pytest.skip("Apache Velocity is not installed")
    try:
        oracle = Oracle(jars, tmp_path_factory.mktemp("oracle"))
    except JavaMissingError:
        pytest.skip("Java is not installed")
    yield Engine(oracle, "2.4", 0.995) if modern else Engine(oracle, "1.7", 0.985)
    oracle.close()


def rendered(template: str, dialect: Literal["2.4", "1.7"]) -> str | None:
    try:
        return compile_template(template, dialect=dialect).render(CONTEXT)
    except TemplateError:
        return None


def test_drawn_templates_render_as_in_apache_velocity(engine: Engine) -> None:
    generator = TemplateGenerator(SEED)
    differ, errors = [], 0
    for _ in range(COUNT):
        template = generator.template()
        expected = engine.oracle.render(template, CONTEXT)
        errors += expected is None
        if expected is not None and ADDRESS.search(expected):
            continue  # the address of a Java array, another one each time
        found = rendered(template, engine.dialect)
        if found != expected:
            differ.append((template, expected, found))
    said = f"{len(differ)} of {COUNT} templates differ, {errors} are errors in Velocity: {differ[:5]}"
    assert len(differ) <= COUNT * (1 - engine.least), said
    assert errors < COUNT / 2, "most templates should be valid"


def test_drawn_templates_render_as_velocity_2_4_gave_them() -> None:
    rows = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]
    differ = [(row, found) for row in rows if (found := rendered(row["template"], "2.4")) != row["2.4"]]
    assert not differ
