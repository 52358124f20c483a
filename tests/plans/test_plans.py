"""The cost of each named query follows its batch or its run: not the history, the pool or the number of runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from named_sql import sql_files
from plans.cases import COMMANDS, PAGES, RUN, WHOLE_STORE, Case, case
from plans.ledger_cases import ledger_cases
from plans.scenario import Scenario, ask, build_history, build_present, explain, query_of
from plans.store_cases import store_cases
from promo_campaigns.ledger.invariants import run_invariants
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plans.plan import Plan
    from promo_campaigns.postgres.connection import Connection

SHORT, LONG = 10_020, 111_222
"""Contacts and runs of the short history and the long one, which has ten assignments and ten codes to each."""
FEW_PAGES = 8
"""Pages that a query may look at for each row it is asked for if it looks at more than in the short history, as it does
when it finds each row by itself."""
SLACK = 100
"""Rows or pages it may look at in any case."""
EVER_GOT = 5_000
OPTIONAL = re.compile(r"%\((\w+)\)s(?:::\w+(?:\[\])?)? is (?:null|false) or ")
MAY_BRANCH = {
    "ledger.assignments.skip_unreachable": "zone and first share narrow a range that is read in any case",
    "contacts.event_store.add_event": "an event that names nobody is kept as well",
    "contacts.event_store.add_past_event": "likewise",
    "contacts.event_store.find_contact": "decides between owners that were found already",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query's plans: with a short history, and with a long one before and after the planner heard of the new run.

    :ivar cases: how it was asked, in the short history and in the long one
    """

    name: str
    cases: tuple[Case, Case]
    short: Plan
    unheard: Plan
    heard: Plan


@pytest.fixture(scope="module")
def store(module_dsn: str) -> Iterator[Connection]:
    with connect(module_dsn) as connection:
        yield connection


@pytest.fixture(scope="module")
def asked(store: Connection) -> list[Asked]:
    """Ask every query in a short history, let it grow to ten times its length, and ask again."""
    build_history(store, 0, SHORT)
    with store.transaction(force_rollback=True):
        cases, short = _ask_all(store, build_present(store, SHORT))
    build_history(store, SHORT, LONG)
    with store.transaction(force_rollback=True):
        scenario = build_present(store, LONG)
        long_cases, unheard = _ask_all(store, scenario)
        store.execute("analyze")
        _, heard = _ask_all(store, scenario)
    return [
        Asked(name=name, cases=(cases[name], one), short=short[name], unheard=unheard[name], heard=heard[name])
        for name, one in long_cases.items()
    ]


def _all_cases(scenario: Scenario) -> dict[str, Case]:
    return {**ledger_cases(scenario), **store_cases(scenario)}


def _ask_all(store: Connection, scenario: Scenario) -> tuple[dict[str, Case], dict[str, Plan]]:
    cases = {name: one for name, one in _all_cases(scenario).items() if name not in WHOLE_STORE}
    return cases, {name: ask(store, scenario, name, one) for name, one in cases.items()}


def _complaints(one: Asked) -> Iterator[str]:
    short, long = one.cases
    for plan, when in ((one.unheard, "before"), (one.heard, "after")):
        told = f"{one.name}, for {long.size}, {when} the planner knew of the run"
        most = long.per * long.size + SLACK
        if plan.rows > most:
            yield f"{told}: {plan.rows} rows in {plan.busiest()}"
        if plan.pages > long.pages * long.size + SLACK:
            yield f"{told}: {plan.pages} pages"
        for table, rows in plan.read_through.items():
            if rows > most:
                yield f"{told}: {table} was read through, {rows} rows"
        if plan.pages > max(2 * one.short.pages * long.size / short.size, FEW_PAGES * long.size) + SLACK:
            yield f"{told}: {plan.pages} pages where a tenth of the history took {one.short.pages}"
    # A small table may be read through, but not for each row again.
    if one.short.rows > short.per * short.size + 2 * SHORT:
        yield f"{one.name}, for {short.size}, in the short history: {one.short.rows} rows in {one.short.busiest()}"


def test_no_cost_follows_the_history_the_pool_or_the_runs(asked: list[Asked]) -> None:
    if lines := [line for one in asked for line in _complaints(one)]:
        pytest.fail("\n".join(lines))


def test_the_history_is_long(store: Connection, asked: list[Asked]) -> None:
    assert asked
    for table, least in (
        ("assignment", 1_000_000),
        ("attempt", 1_000_000),
        ("promo_code", 1_000_000),
        ("run", 100_000),
    ):
        row = store.execute(f"select count(*) as n from promo.{table}").fetchone()  # noqa: S608  (names above)
        assert row is not None
        assert row["n"] >= least
    row = store.execute(
        "select max(n) as n from (select count(*) as n from promo.promo_code group by type) p"
    ).fetchone()
    assert row is not None
    assert row["n"] >= 1_000_000


def test_every_named_query_is_asked() -> None:
    named = {f"{file}.{query}" for file in sql_files() for query in queries(f"promo_campaigns.{file}")}
    known = {name.partition("@")[0] for name in _all_cases(Scenario.nowhere())}
    assert named - known == set(COMMANDS)
    assert known - named == set()
    assert set(WHOLE_STORE) <= known


def test_every_function_that_reads_is_called_by_a_query(store: Connection) -> None:
    """What a function reads is counted with the query that calls it."""
    store.execute("set search_path = ''")  # so that a function's text names the schema
    rows = store.execute(
        "select p.proname as name from pg_proc p where p.pronamespace = 'promo'::regnamespace"
        " and p.prorettype <> 'trigger'::regtype and pg_get_functiondef(p.oid) ~* '(from|join) [(]*promo[.]'"
    ).fetchall()
    store.execute("reset search_path")
    texts = "\n".join(query_of(name) for name in _all_cases(Scenario.nowhere()))
    functions = {str(row["name"]) for row in rows}
    assert functions
    assert [name for name in functions if f"promo.{name}(" not in texts] == []


def test_what_narrows_a_query_is_a_query_of_its_own() -> None:
    """One statement with an optional parameter has one plan for two questions."""
    named = {name.partition("@")[0] for name in _all_cases(Scenario.nowhere())}
    assert {name for name in named if OPTIONAL.search(query_of(name))} == set(MAY_BRANCH)


def test_the_check_of_a_run_looks_at_that_run(store: Connection, asked: list[Asked]) -> None:
    assert asked
    with store.transaction(force_rollback=True):
        scenario = build_present(store, LONG)
        plans = {name: explain(store, query, {"run_id": scenario.run_id}) for name, query in run_invariants().items()}
    assert {name: plan.busiest() for name, plan in plans.items() if plan.rows > 10 * RUN + SLACK} == {}
    assert {name: plan.pages for name, plan in plans.items() if plan.pages > PAGES * RUN + SLACK} == {}


def test_a_cap_is_not_weighed_against_all_a_contact_ever_got(store: Connection, asked: list[Asked]) -> None:
    assert asked
    with store.transaction(force_rollback=True):
        scenario = build_present(store, LONG)
        contact = scenario.contact_ids[0]
        capped = case(1, contact_ids=[contact])
        before = ask(store, scenario, "ledger.assignments.skip_capped", capped)
        store.execute("set local session_replication_role = replica")
        store.execute(
            "insert into promo.assignment (run_id, contact_id, promo_code_id, state)"
            " select n, %s, n, 'recorded' from generate_series(1, %s) n on conflict do nothing",
            [contact, EVER_GOT],
        )
        after = ask(store, scenario, "ledger.assignments.skip_capped", capped)
    # To weigh one takes three pages at least: those of its run and of its attempts.
    assert after.pages - before.pages < EVER_GOT / 20
