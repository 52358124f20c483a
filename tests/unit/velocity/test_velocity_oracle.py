"""Random templates come out as Apache Velocity itself renders them, where it is installed.

1.7 is Debian's package `velocity`; 2.4.1 is taken from `VELOCITY_2_CLASSPATH` or from Maven's local repository.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings

from promo_campaigns.velocity import TemplateError, compile_template
from unit.velocity.velocity_grammar import CONTEXT, templates
from unit.velocity.velocity_oracle import DEBIAN_JARS, JavaMissingError, Oracle, modern_jars

ADDRESS = re.compile(r"\[Ljava|@[0-9a-f]{4,}")


def _oracle(jars: list[Path], folder: Path) -> Iterator[Oracle]:
    if not jars or not all(jar.exists() for jar in jars):
        pytest.skip("Apache Velocity is not installed")
    try:
        oracle = Oracle(jars, folder)
    except JavaMissingError:
        pytest.skip("Java is not installed")
    yield oracle
    oracle.close()


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    yield from _oracle(DEBIAN_JARS, tmp_path_factory.mktemp("classic"))


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    yield from _oracle(modern_jars(), tmp_path_factory.mktemp("modern"))


def compare(oracle: Oracle, template: str, dialect: Literal["2.4", "1.7"]) -> None:
    expected = oracle.render(template, CONTEXT)
    if expected is not None and ADDRESS.search(expected):
        return  # the address of a Java array, another one each time
    try:
        found: str | None = compile_template(template, dialect=dialect).render(CONTEXT)
    except TemplateError:
        found = None
    assert found == expected


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(template=templates())
def test_random_templates_render_as_in_velocity_1_7(classic: Oracle, template: str) -> None:
    compare(classic, template, "1.7")


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(template=templates())
def test_random_templates_render_as_in_velocity_2_4(modern: Oracle, template: str) -> None:
    compare(modern, template, "2.4")
