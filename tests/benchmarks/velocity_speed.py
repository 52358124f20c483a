"""How fast templates render, beside airspeed and Jinja2, in one run.

`python tests/benchmarks/velocity_speed.py [contexts]` prints renders per CPU second and ratios; only the ratios mean
anything on another machine. Rounds are interleaved and the best of each engine counts.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import airspeed  # type: ignore[import-untyped]  # ships no types
import jinja2

from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
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


def main() -> None:
    """Measure and print."""
    rows = contexts(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    for title, engines in (("push", push_engines()), ("JSON body", body_engines())):
        found = speeds(engines, rows)
        for engine in engines:
            ratio = found["ours"] / found[engine.name]
            sys.stdout.write(f"{title:10} {engine.name:9} {found[engine.name]:12,.0f}/s   ours is {ratio:5.1f} times\n")
    start = time.process_time()
    for number in range(200):
        compile_template(f"{PUSH}{number}")
    sys.stdout.write(f"compiling the push: {(time.process_time() - start) * 5:.2f} ms\n")


if __name__ == "__main__":
    main()
