"""How fast templates render, beside airspeed and Jinja2, in one run.

    PYTHONPATH=plugins:tests python tests/benchmarks/velocity_speed.py --contexts 100000

Renders per CPU second; only the ratios mean anything on another machine. Rounds are interleaved and the best of each
engine counts.

Exit status 1 when an aim is missed: 16 times airspeed for a push, 11 times for a JSON body.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import airspeed  # type: ignore[import-untyped]  # ships no types
import jinja2

from benchmarks.figures import Figure, keep
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
TIMES_AIRSPEED = {"push": 16.0, "json_body": 11.0}
PUSH = (
    "#set($url = $!data.get('short link'))"
    "Hi $!{data.first_name}, your personal code $!data.get('promocode') gives you $!data.get('discount')% off "
    "everything in $!data.get('city') until $!data.get('valid_until'). "
    "#if($data.get('vip'))"
    "As one of our best customers you get free delivery, too, on every order you make this week."
    "#{else}"
    "Delivery is free from 50 euro on, and you can collect your order in any of our shops.#end "
    "Order now: $!url.get('url')"
)
PUSH_JINJA = (
    "{% set url = data.get('short link') %}"
    "Hi {{ data.first_name }}, your personal code {{ data.get('promocode') }} gives you {{ data.get('discount') }}% "
    "off everything in {{ data.get('city') }} until {{ data.get('valid_until') }}. "
    "{% if data.get('vip') %}"
    "As one of our best customers you get free delivery, too, on every order you make this week."
    "{% else %}"
    "Delivery is free from 50 euro on, and you can collect your order in any of our shops.{% endif %} "
    "Order now: {{ url.get('url') }}"
)
BODY = (
    '{"contact": "$data.get(\'contact_unique_identifier\')", '
    '"fields": [{"id": 20117, "value": "$data.get(\'promocode\')"}], "dedupeOn": "email"}'
)
BODY_JINJA = (
    '{"contact": {{ data.get("contact_unique_identifier") }}, '
    '"fields": [{"id": 20117, "value": {{ data.get("promocode") }}}], "dedupeOn": "email"}'
)


class Engine(NamedTuple):
    """An engine and how it renders one context of a template."""

    name: str
    render: Callable[[dict[str, object]], str]


def contexts(count: int) -> list[dict[str, object]]:
    """Return one context a contact."""
    return [
        {
            "data": {
                "contact_unique_identifier": f"anna{number}@example.com",
                "promocode": f"SPRING-{number:06}",
                "first_name": "Anna",
                "discount": 15,
                "city": "Hamburg",
                "valid_until": "31.12.2026",
                "vip": number % 2 == 0,
                "short link": {"url": f"https://ex.am/{number}"},
            }
        }
        for number in range(count)
    ]


def push_engines() -> list[Engine]:
    """Return the engines with the push compiled."""
    jinja = jinja2.Environment(autoescape=False).from_string(PUSH_JINJA)  # noqa: S701  (plain text, no HTML)
    slow = airspeed.Template(PUSH)
    return [
        Engine("ours", compile_template(PUSH).render),
        Engine("airspeed", slow.merge),
        Engine("jinja2", jinja.render),
    ]


def body_engines() -> list[Engine]:
    """Return the engines with the JSON body compiled; airspeed cannot escape."""
    environment = jinja2.Environment(autoescape=False, finalize=json.dumps)  # noqa: S701  (JSON, escaped by finalize)
    slow = airspeed.Template(BODY)
    return [
        Engine("ours", compile_template(BODY, mode="json").render),
        Engine("airspeed", slow.merge),
        Engine("jinja2", environment.from_string(BODY_JINJA).render),
    ]


def speeds(engines: list[Engine], rows: list[dict[str, object]]) -> dict[str, float]:
    """Return renders per CPU second of each engine: the best of interleaved rounds."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for engine in engines:
            share = rows if engine.name == "ours" else rows[: len(rows) // 4]
            start = time.process_time()
            for row in share:
                engine.render(row)
            speed = len(share) / (time.process_time() - start)
            best[engine.name] = max(best.get(engine.name, 0), speed)
    return best


def figures_of(template: str, found: dict[str, float]) -> list[Figure]:
    """Return each engine's speed, and ours beside each."""
    unit = "renders a processor second"
    others = [name for name in found if name != "ours"]
    aims = {"airspeed": TIMES_AIRSPEED[template]}
    return [
        *(Figure(name=f"{template}_{name}", value=round(found[name]), unit=unit) for name in others),
        *(
            Figure(
                name=f"{template}_beside_{name}",
                value=round(found["ours"]),
                unit=unit,
                peer=name,
                ratio=found["ours"] / found[name],
                least_ratio=aims.get(name),
            )
            for name in others
        ),
    ]


def compiling_ms() -> float:
    """Return how long the push takes to be compiled."""
    start = time.process_time()
    for number in range(200):
        compile_template(f"{PUSH}{number}")
    return (time.process_time() - start) * 5


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contexts", type=int, default=100_000)
    options = parser.parse_args()
    rows = contexts(options.contexts)
    figures = figures_of("push", speeds(push_engines(), rows))
    figures += figures_of("json_body", speeds(body_engines(), rows))
    figures.append(Figure(name="compiling_push", value=round(compiling_ms(), 2), unit="ms of processor"))
    return keep("velocity", figures, options)


if __name__ == "__main__":
    sys.exit(main())
