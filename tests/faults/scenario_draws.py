"""Draws the scenario of a schedule from its seed."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, islice
from typing import TYPE_CHECKING

from faults.small_scenario import DAY_S, LONG_REST_S, REST_S, WINDOW_S, Rival, Scenario
from integration.scenario import EVERYBODY
from promo_campaigns.model.events import Reentry
from promo_campaigns.model.run_spec import Audience

if TYPE_CHECKING:
    import random

TWO_WORKERS, WIRED, HALTED, STAGED, CHAINED = 0.5, 0.3, 0.15, 0.12, 0.15
HELD_OUT, QUIET, SHARED, EVENTS, PACED = 0.1, 0.12, 0.1, 0.12, 0.12
RESTORED, ARCHIVED, SLOTTED = 0.15, 0.1, 0.13
PER_S = (0.2, 1.0, 20.0)
CONCURRENCY = (1, 1, 2, 5)
SLOWER = 4
"""How many steps more a scenario has whose calls take their time; of those that it has, a third must stay a third."""
QUIET_HOURS = ("17:50-18:10", "17:58-18:20; 19:05-19:30", "18:40-18:48; 19:20-20:30")
IN_FLIGHT_AT_SIZE = 500
ALL_TASKS = 9
STRATEGIES = ("uniform", "targeted", "priorities")
FAULTS = ("kill", "pause", "jump", "drop", "duplicate", "clear", "run", "person", "unsubscribe")
RERUNS = ("delete", "backfill", "mode")
MOST = Audience(name="most", sql="select contact_id from promo.contact where contact_id > 1")


def draw_scenario(rng: random.Random, more: random.Random) -> Scenario:
    """Draw a scenario; each has its own mixture of faults, so that some are rid of those that hide others.

    :param more: draws what not every scenario has, so that those without are the same whatever else there is to draw
    """
    scenario = _enlarge(_draw_plain_scenario(rng), more)
    if more.random() < HALTED:
        scenario = replace(scenario, rates=scenario.rates | {"halt": more.choice((0.02, 0.05))})
    scenario = replace(scenario, first=more.choice((1, 2)) if more.random() > 1 - STAGED else 0)
    scenario = replace(scenario, chained=more.random() > 1 - CHAINED)
    scenario = replace(scenario, hold_out=more.choice((30.0, 60.0)) if more.random() > 1 - HELD_OUT else 0.0)
    scenario = replace(scenario, quiet=more.choice(QUIET_HOURS) if more.random() > 1 - QUIET else "")
    scenario = replace(scenario, shared=more.random() > 1 - SHARED)
    if more.random() > 1 - EVENTS and not scenario.first:
        scenario = _with_events(scenario, more)
    scenario = replace(scenario, per_s=more.choice(PER_S) if more.random() > 1 - PACED else 0.0)
    if more.random() > 1 - RESTORED and not (scenario.capped or scenario.per_s):
        return _with_restores(scenario, more)
    if more.random() > 1 - ARCHIVED:
        return _with_archives(scenario, more)
    return _with_slots(scenario, more) if more.random() > 1 - SLOTTED else scenario


def _with_restores(scenario: Scenario, more: random.Random) -> Scenario:
    """Let there be time for much to be sent after a backup, and fewer of the faults that keep it from being sent."""
    rates = {name: rate / 3 for name, rate in scenario.rates.items()} | {"backup": 0.1, "restore": 0.03}
    return replace(scenario, rates=rates, steps=3 * scenario.steps + more.choice((0, 1, 1)))


def _with_slots(scenario: Scenario, more: random.Random) -> Scenario:
    crowd, later = more.choice((0, 4)), more.choice((0.0, 0.3, 0.6))
    return replace(
        scenario,
        concurrency=more.choice(CONCURRENCY),
        per_s=more.choice((0.0, 0.0, 0.0, 1.0, *PER_S)),
        asks_s=more.choice((5.0, 15.0, 45.0)),
        contacts=scenario.contacts + crowd,
        life_s=scenario.life_s + scenario.life_s[:crowd],
        in_flight=scenario.in_flight + crowd,
        batch_size=scenario.batch_size + crowd,
        warm=more.choice((3, 3, scenario.warm)),
        steps=SLOWER * scenario.steps,
        rates=scenario.rates | {"lapse": more.choice((0.01, 0.03))},
        message_habits=scenario.message_habits | {"later": later} if later else scenario.message_habits,
    )


def _with_events(scenario: Scenario, more: random.Random) -> Scenario:
    return replace(
        scenario,
        events=more.choice((Reentry.EACH_TIME, Reentry.EACH_TIME, Reentry.ONCE)),
        max_age_s=more.choice((600.0, DAY_S, DAY_S)),
        rates=scenario.rates | {"event": more.choice((0.05, 0.15))},
    )


def _with_archives(scenario: Scenario, more: random.Random) -> Scenario:
    """Most codes run out soon, for a run stays as long as those that it gave are valid, and upkeeps take a while."""
    days = max(scenario.days, scenario.rival.days if scenario.rival else 0)
    short = tuple(days * DAY_S + more.uniform(300, 4000) for _ in scenario.life_s)
    return replace(
        scenario,
        archives=True,
        life_s=short if more.random() < 0.8 else scenario.life_s,
        warm=more.choice((scenario.warm, ALL_TASKS, ALL_TASKS)),
        steps=4 * scenario.steps,
        rates=scenario.rates | {"upkeep": more.choice((0.0, 0.02)), "old": more.choice((0.03, 0.1))},
    )


def at_size(scenario: Scenario, contacts: int) -> Scenario:
    """Return the same scenario with so many contacts, all in one batch: as many faults, spread over more steps."""
    times = contacts / scenario.contacts
    codes = round(len(scenario.life_s) * times)
    steps = 3 * contacts
    return replace(
        scenario,
        contacts=contacts,
        life_s=tuple(islice(cycle(scenario.life_s), codes)),
        in_flight=IN_FLIGHT_AT_SIZE,
        batch_size=contacts,
        steps=steps,
        rates={name: rate * scenario.steps / steps for name, rate in scenario.rates.items()},
        together=IN_FLIGHT_AT_SIZE if scenario.together else 0,
        first=contacts // 10 if scenario.first else 0,
        concurrency=0,  # calls that take their time would take weeks
    )


def _enlarge(scenario: Scenario, more: random.Random) -> Scenario:
    if more.random() < 0.25:
        rival = Rival(audience=more.choice((EVERYBODY, MOST)), days=more.randint(0, 2), records=more.random() < 0.7)
        life = tuple(rival.days * DAY_S + more.choice((more.uniform(300, 4000), 30 * DAY_S)) for _ in range(3))
        scenario = replace(scenario, rival=rival, life_s=scenario.life_s + life)
    if more.random() < 0.3:
        asks, answers_s = more.choice(("asks", "tells", "tells")), more.choice((0.0, 100 * DAY_S))
        scenario = replace(scenario, asks=asks, answers_s=answers_s, answer_habits=_habits(more))
        if more.random() < 0.5:
            short = tuple(scenario.days * DAY_S + more.uniform(300, 3000) for _ in scenario.life_s)
            scenario = replace(scenario, life_s=short)
    if more.random() < (0.5 if scenario.asks else 0.25):
        scenario = replace(scenario, rates=scenario.rates | {name: more.choice((0.005, 0.02)) for name in RERUNS})
    if more.random() < 0.25:
        scenario = replace(scenario, steps=2 * scenario.steps)
    if more.random() < 0.3:
        scenario = replace(scenario, warm=more.choice((4, 5)))
    scenario = replace(scenario, rest_s=more.choice((REST_S, LONG_REST_S)), heals_late=more.random() < 0.3)
    if more.random() < 0.4:
        until_record = 5 if scenario.asks else 4
        scenario = replace(
            scenario,
            together=more.choice((2, 3)),
            profile_habits=scenario.profile_habits | {"refused": more.choice((0.0, 1.0))},
            warm=more.choice((until_record, scenario.warm)),
        )
    scenario = replace(scenario, capped=more.random() < 0.15)
    return replace(scenario, webhook=more.choice(("GET", "GET", "POST")) if more.random() < WIRED else "")


def _draw_plain_scenario(rng: random.Random) -> Scenario:
    contacts, days = rng.randint(3, 6), rng.randint(0, 2)
    enough = rng.choice((contacts - 1, contacts + 1, 2 * contacts, 2 * contacts + 2))
    life = [days * DAY_S + (rng.uniform(300, 4000) if rng.random() < 0.3 else 30 * DAY_S) for _ in range(enough)]
    rates = {name: rng.choice((0.0, 0.01, 0.03, 0.08)) for name in FAULTS}
    two_workers = rng.random() < TWO_WORKERS
    return Scenario(
        strategy=rng.choice(STRATEGIES),
        fine=rng.random() < 0.3,
        contacts=contacts,
        life_s=tuple(life),
        days=days,
        window_s=rng.choice((0.0, WINDOW_S)),
        records=rng.random() < 0.7,
        send_by_s=rng.uniform(200, 4000) if rng.random() < 0.35 else None,
        in_flight=rng.randint(2, 4) if two_workers else rng.randint(1, 3),
        two_workers=two_workers,
        batch_size=rng.choice((2, 10)),
        warm=rng.choice((0, 3, 3)),
        steps=rng.randint(40, 160),
        survivors=rng.choice((0, 0, 1, 6)),
        rates=rates | {"unsubscribe": rates["unsubscribe"] / 8},
        message_habits=_habits(rng),
        profile_habits=_habits(rng),
    )


def _habits(rng: random.Random) -> dict[str, float]:
    bad = ("refused", "later", "lost", "unanswered", "delayed")
    share = rng.choice((0.0, 0.4, 1.5))
    weights = {name: rng.choice((0.0, 1.0, 2.0)) for name in bad}
    total = sum(weights.values()) or 1.0
    return {"ok": 1.0} | {name: share * weight / total for name, weight in weights.items() if share and weight}
