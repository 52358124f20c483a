"""The ledger's queries: runs, assignments, attempts, answers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from plans.archive_cases import archive_cases
from plans.cases import BATCH, ONE, RUN, Case, case
from plans.restore_cases import restore_cases
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from plans.cases import Step
    from plans.scenario import Scenario


def ledger_cases(scenario: Scenario) -> dict[str, Case]:
    """Return a case for each query of the ledger."""
    return {
        **_runs(scenario),
        **_assignments(),
        **_attempts(scenario),
        **_answers(scenario),
        **_reports(scenario),
        **_halts(),
        **_first_share(),
        **_lists(),
        **_lookups(),
        **_fallback(),
        **_chains(),
        **restore_cases(),
        **_matching(),
        **archive_cases(scenario),
    }


_UNGUARDED = "alter table promo.run disable trigger run_opened_with"
"""What a run was opened with cannot be changed: here it is, in a transaction that is rolled back."""


_CANCELLED = "update promo.run set halt = 'cancelled', halted_at = now(), halted_by = 'ops' where run_id = %(run_id)s"


_STAGED = "update promo.run set start_with = '1 %%', then_wait = '0' where run_id = %(run_id)s"
_SETTLED = "update promo.run set first_ended_at = now() where run_id = %(run_id)s"
_SOME_FIRST = (
    "insert into promo.first_share select run_id, contact_id from promo.assignment where run_id = %(run_id)s limit 500"
)


def _first_share() -> dict[str, Case]:
    return {
        "ledger.oversight.first_share.draw_first_share": case(RUN, _STAGED, percent=10, contacts=None),
        "ledger.oversight.first_share.note_ended": case(RUN, _STAGED, _SOME_FIRST),
        "ledger.oversight.first_share.let_go": case(RUN, _STAGED, _SETTLED, _SOME_FIRST),
        "ledger.oversight.first_share.read_first": case(BATCH, _STAGED, _SOME_FIRST),
        "ledger.oversight.first_share.read_first_share": case(ONE, _STAGED),
    }


def _halts() -> dict[str, Case]:
    said = {"halt": "paused", "by": "ops", "reason": None}
    stopped = "insert into promo.sending_stop (stopped_by) values ('ops')"
    within = timedelta(minutes=10)
    return {
        "ledger.halts.read_halt": case(ONE, _CANCELLED),
        "ledger.halts.hold_intents": case(ONE),
        "ledger.halts.halt_run": case(ONE, **said),
        "ledger.halts.pause_failing": case(ONE),
        "ledger.halts.lift_halt": case(ONE, _CANCELLED),
        "ledger.halts.next_in_flight": case(RUN, after=0, limit=5_000),
        "ledger.halts.stop_sending": case(ONE, **said),
        "ledger.halts.start_sending": case(ONE, stopped),
        "ledger.halts.read_stop": case(ONE, stopped),
        "ledger.repeats.find_repeated": case(ONE, workflow="present", spec_sha256=b"x" * 32, within=within),
        "ledger.repeats.find_repeated@old": case(ONE, workflow="w7", spec_sha256=b"x" * 32, within=within),
    }


def _lists() -> dict[str, Case]:
    asked: dict[str, object] = {"before": 2**62, "limit": 50}
    return {
        "ledger.run_list.list_runs": case(50, **asked),
        "ledger.run_list.list_runs_of_workflow": case(50, **asked, workflow="w7"),
        "ledger.run_list.list_runs_of_workflows": case(150, **asked, workflows=["w7", "w8", "present"]),
        "ledger.run_list.list_under_way": case(50, limit=50),
        "ledger.run_list.list_closed": case(50, **asked),
        "ledger.run_list.list_closed_of_workflow": case(50, **asked, workflow="w7"),
        "ledger.run_list.newest_of_workflows": case(40, workflows=[f"w{n}" for n in range(40)]),
        "ledger.run_list.list_cancelled": case(50, _CANCELLED, **asked, workflow=None),
        "ledger.run_list.list_open": case(50, **asked, state="open", workflow=None),
        "ledger.run_list.list_stuck": case(RUN, still=timedelta(hours=1)),
        "ledger.run_list.read_line": case(ONE),
        "ledger.run_list.find_keys": case(6, start="w7/", limit=6),
        "ledger.run_list.newest_keys": case(50, limit=50),
    }


def _lookups() -> dict[str, Case]:
    """Return the cases of what the pages look up."""
    window: dict[str, object] = {"after": 0, "window": RUN}
    people, progress, unknown = "ledger.lookups.people.", "ledger.lookups.progress.", "ledger.lookups.unknown_pages."
    return {
        f"{people}list_people": case(20, after=0),
        f"{people}list_people_in_state": case(RUN, **window, state="skipped"),
        f"{people}last_looked_at": case(RUN, **window),
        f"{people}read_person": case(ONE),
        f"{people}list_attempts": case(ONE),
        f"{people}list_codes_of_contact": case(20, before=2**63 - 1),
        f"{people}find_code": case(ONE, code="P1-7"),
        f"{people}list_holders": case(20, promo_code_id=7),
        f"{people}find_contacts": case(ONE, text="token-7"),
        f"{people}read_code": case(ONE),
        f"{progress}list_workflows": case(50),
        f"{progress}read_states": case(RUN),
        f"{progress}read_rate": case(RUN, seconds=60.0),
        f"{progress}read_facts": case(ONE),
        f"{progress}read_name": case(ONE),
        f"{progress}read_ids": case(20, key="present/run/manual"),
        f"{progress}read_alarms": case(ONE),
        f"{unknown}list_unknown_page": case(20, after=0),
        f"{unknown}chosen_unknown": case(BATCH),
        f"{unknown}next_unknown": case(BATCH, after=0, limit=BATCH),
        "ledger.lookups.pictures.picture_key": case(ONE),
        "ledger.lookups.pictures.pictured_code": case(ONE),
        "ledger.lookups.pools.read_pools": case(50),
        "ledger.lookups.pools.read_burn": case(50, days=90, limit=50),
        "ledger.lookups.pools.read_burn@old": case(50, type="Other0", days=90, limit=50),
    }


def _fallback() -> dict[str, Case]:
    terms = {
        "fallback_code": "EVERYBODY",
        "fallback_type": "Fallback",
        "fallback_discount": 5,
        "fallback_expires_at": datetime(2037, 1, 1, tzinfo=timezone.utc),
        "fallback_zone": "UTC",
        "fallback_file": b"x" * 32,
    }
    kept = ("ledger.fallback.keep_file", terms)
    given = {"claim_id": None, "at": datetime.now(timezone.utc)}
    return {
        "ledger.fallback.keep_file": case(ONE, **terms),
        "ledger.fallback.weigh_fallback": case(ONE, **terms),
        "ledger.fallback.give_fallback": case(BATCH, kept, **terms, **given),
        "ledger.fallback.count_fallback": case(RUN),
    }


def _chains() -> dict[str, Case]:
    both: dict[str, object] = {"types": ["Welcome", "Other0"], "discounts": [10, 10]}
    chained = (
        _UNGUARDED,
        "update promo.run set pool_types = '{Welcome,Other0}', pool_discounts = '{10,10}' where run_id = %(run_id)s",
    )
    return {
        "ledger.chains.forecast.weigh_chain": case(50, *chained, **both, matches=False),
        "ledger.chains.forecast.chained_pools": case(ONE, *chained),
        "ledger.chains.given.count_given": case(RUN, *chained),
        "ledger.chains.given.keep_given": case(ONE, *chained, given=[7, 0]),
        "ledger.stock_forecast.weigh@chained": case(50, *chained),
        "ledger.lookups.pools.read_burn@chained": case(50, *chained, days=90, limit=50),
        "ledger.reports.count_stock@chained": case(2, *chained),
        "ledger.runs.measure_audience@chained": case(RUN, *chained),
        "ledger.assignments.reopen_missing@chained": case(RUN, *chained),
    }


_MATCHES = """
update promo.run
set pool_types = '{Welcome}', pool_discounts = '{10}', match_names = '{store}', match_sources = '{contact.language}',
    reuses = true
where run_id = %(run_id)s
"""
_HAVE = """
insert into promo.match_value (run_id, contact_id, attributes)
select run_id, contact_id, '{"store": "' || contact_id %% 5 || '"}' from promo.assignment where run_id = %(run_id)s
"""
_CARRY = """
update promo.promo_code set attributes = '{"store": "' || promo_code_id %% 5 || '"}'
where promo_code_id in (
  select promo_code_id from promo.promo_code
  where type = 'Welcome' and not retired and issued_at is null and %(run_id)s > 0
  order by promo_code_id desc limit 1000)
"""


def _matching() -> dict[str, Case]:
    matching = (_UNGUARDED, _MATCHES)
    matched = (*matching, _HAVE, _CARRY)
    pools: dict[str, object] = {"types": ["Welcome"], "discounts": [10]}
    short: dict[str, object] = {"attributes": ['{"store": "1"}'], "codes": [7]}
    return {
        "ledger.matching.contacts.keep_values": case(RUN, *matching),
        "ledger.matching.contacts.has_values": case(ONE, *matched),
        # Of each contact its value, and the code that it holds.
        "ledger.matching.contacts.need_no_code": case(2 * RUN, *matched),
        "ledger.matching.contacts.skip_short": case(RUN, *matched, **short),
        "ledger.matching.claims.claim_matching": case(BATCH, *matched),
        "ledger.matching.claims.reuse_matching": case(BATCH, *matched),
        "ledger.chains.forecast.weigh_chain@matched": case(RUN, *matched, **pools, matches=True),
        "ledger.reports.count_stock@matched": case(20, *matched),
    }


def _runs(scenario: Scenario) -> dict[str, Case]:
    closed = "update promo.run set closed_at = now() where run_id = %(run_id)s"
    spec = {
        "workflow": "present",
        "spec": "{}",
        "spec_sha256": b"x" * 32,
        "message": "m",
        "channel": "mobilepush",
        "records": True,
        "before": [0],
        "after": [1],
        "send_by": None,
        "quiet_hours": None,
        "time_zone": None,
        "cap_messages": None,
        "cap_hours": None,
        "hold_out": 0,
        "reuses": False,
        "approval": False,
        "abort_at": 20.0,
        "start_with": "1 %",
        "then_wait": timedelta(minutes=15),
        "pool_types": ["Welcome", "Other0"],
        "pool_discounts": [10, 10],
        "match_names": ["store"],
        "match_sources": ["contact.language"],
    }
    listed = {"/* audience */": "select unnest(%(contact_ids)s::bigint[]) as contact_id"}
    return {
        "ledger.runs.lock_pool": case(ONE),
        "ledger.runs.knows_zone": case(ONE),
        "ledger.runs.read_strange_zones": case(RUN),
        "ledger.runs.add_run": case(ONE, **spec, run_key="new"),
        "ledger.runs.read_run_by_key": case(ONE),
        "ledger.runs.read_run": case(ONE),
        "ledger.runs.strangers_of_run": case(ONE),
        "ledger.runs.add_audience": Case(
            size=BATCH, terms={"run_id": scenario.empty_run_id, "time_zone": None}, fills=listed
        ),
        "ledger.runs.read_batches": case(RUN, batch_size=500),
        "ledger.runs.count_zones": case(RUN),
        "ledger.runs.read_zone_batches": case(RUN, batch_size=500),
        "ledger.runs.read_batches_by_share": case(RUN, _SOME_FIRST, batch_size=500),
        "ledger.runs.measure_audience": case(RUN),
        "ledger.runs.count_open": case(RUN, states=["pending", "assigned", "sending", "accepted"]),
        "ledger.runs.lock_run": case(ONE),
        "ledger.runs.close_run": case(ONE),
        "ledger.runs.set_mode": case(ONE, mode="missing"),
        "ledger.runs.reopen_run": case(ONE, closed, approval=True),
        "ledger.approvals.read_approval": case(ONE),
        "ledger.approvals.decide": case(
            ONE,
            "update promo.run set approval = 'awaited' where run_id = %(run_id)s",
            state="given",
            approved_by="ops",
        ),
        "ledger.approvals.skip_refused": case(RUN),
        "ledger.approvals.count_left_out": case(RUN),
    }


def _assignments() -> dict[str, Case]:
    late = "update promo.run set send_by = now() + interval '1 hour' where run_id = %(run_id)s"
    over = "update promo.run set send_by = now() where run_id = %(run_id)s"
    quiet = "update promo.run set quiet_hours = '{[0,10080)}' where run_id = %(run_id)s"
    short = (_UNGUARDED, "update promo.run set days = 30 where run_id = %(run_id)s")
    return {
        "ledger.assignments.skip_unreachable": case(BATCH, first_share=None),
        "ledger.assignments.read_reachable": case(BATCH),
        "ledger.assignments.read_reachable_in_zone": case(BATCH),
        "ledger.assignments.read_reachable_by_share": case(BATCH, _SOME_FIRST, first_share=False),
        "ledger.assignments.return_short": case(BATCH, *short),
        "ledger.assignments.expire_overdue": case(BATCH, over),
        "ledger.assignments.skip_cancelled": case(BATCH, _CANCELLED),
        "ledger.assignments.read_limits": case(ONE),
        "ledger.assignments.give_up_quiet": case(BATCH, late, quiet, open_s=60.0),
        "ledger.assignments.read_zones": case(BATCH, open_s=60.0),
        "ledger.assignments.lock_contacts": case(BATCH),
        "ledger.assignments.read_moment": case(ONE),
        "ledger.assignments.skip_capped": case(BATCH),
        "ledger.assignments.read_pools": case(ONE),
        "ledger.assignments.reuse_codes": case(BATCH),
        "ledger.assignments.claim_codes": case(BATCH),
        "ledger.assignments.count_pending": case(BATCH),
        "ledger.assignments.skip_without_code": case(BATCH),
        "ledger.assignments.read_codes": case(BATCH),
        "ledger.assignments.read_states": case(BATCH),
        "ledger.assignments.reopen_missing": case(RUN),
        "ledger.assignments.read_accepted": case(BATCH),
        "ledger.assignments.read_accepted_in_zone": case(BATCH),
        "ledger.assignments.read_accepted_by_share": case(BATCH, _SOME_FIRST, first_share=False),
    }


def _attempts(scenario: Scenario) -> dict[str, Case]:
    lapsed: Step = ("ledger.attempts.fold_lapsed", {})
    sent = ("ledger.attempts.begin_messages", {"token": scenario.token})
    recorded = ("ledger.attempts.begin_profiles", {"token": scenario.token, "purpose": "profile"})
    profile = {"purpose": "profile", "source": 1, "token": scenario.token}
    recorded_now = ("ledger.attempts.record_outcomes", {"token": scenario.token})
    return {
        "ledger.attempts.next_lease": case(ONE),
        "ledger.attempts.hold_lease": case(ONE),
        "ledger.attempts.read_unheard": case(BATCH, lapsed, sent),
        "ledger.attempts.fold_lapsed": case(BATCH),
        "ledger.attempts.begin_messages": case(BATCH, lapsed),
        "ledger.attempts.due_messages": case(BATCH, lapsed),
        "ledger.attempts.hold_unarchived": case(ONE),
        "ledger.attempts.begin_profiles": case(BATCH, **profile),
        "ledger.attempts.due_profiles": case(BATCH, **profile),
        "ledger.attempts.read_recipients": case(BATCH, lapsed, sent),
        "ledger.attempts.held_leases": case(BATCH, lapsed, sent),
        "ledger.attempts.lock_assignments": case(BATCH),
        "ledger.attempts.record_outcomes": case(BATCH, lapsed, sent),
        "ledger.attempts.count_alike": case(
            RUN, lapsed, sent, recorded_now, purpose="message", source=0, others=[], detail="x", limit=20
        ),
        "ledger.attempts.fold_assignments": case(BATCH, lapsed, sent, recorded_now),
        "ledger.attempts.fold_profiles": case(BATCH, recorded, ("ledger.attempts.record_outcomes", profile), **profile),
        "ledger.attempts.list_unknown": case(RUN),
        "ledger.attempts.list_unknown_of_run": case(RUN),
        "ledger.attempts.list_unknown_of_contacts": case(BATCH),
        "ledger.attempts.record_unknown": case(BATCH, outcome="ok", detail="by hand"),
        "ledger.attempts.resend_unknown": case(BATCH),
    }


def _answers(scenario: Scenario) -> dict[str, Case]:
    none = "delete from promo.answer where run_id = %(run_id)s"
    asked = ("ledger.answers.begin_answers", {"source": 0, "token": scenario.token})
    recorded_now = ("ledger.attempts.record_outcomes", {"purpose": "answer", "token": scenario.token})
    return {
        "ledger.answers.begin_answers": case(BATCH, none, source=0),
        "ledger.answers.due_answers": case(BATCH, none, source=0),
        "ledger.answers.keep_answers": case(BATCH, none, asked, source=0),
        "ledger.answers.fold_answers": case(BATCH, none, asked, recorded_now, source=0),
        "ledger.answers.read_answers": case(BATCH),
        "ledger.answers.erase_answers": case(scenario.people // 20 + 1_400, days=30),
    }


def _reports(scenario: Scenario) -> dict[str, Case]:
    many = {"run_ids": scenario.event_run_ids}
    arms = {"/* conversions */": queries("promo_campaigns.uplift.measure")["events"]}
    own = {"/* conversions */": "select 1 as contact_id, now() as at, 1 as value"}
    return {
        "ledger.reports.read_run": case(ONE),
        "ledger.reports.count_stock": case(ONE),
        "ledger.reports.count_states": case(RUN),
        "ledger.reports.read_receivers": case(ONE, names=["connection promo_profile_api", "transport inbox"]),
        "frames.ledger_rows.describe_runs": case(ONE),
        "frames.ledger_rows.assignments": case(RUN),
        "frames.ledger_rows.attempts": case(RUN),
        "frames.ledger_rows.redemptions": case(RUN),
        "ledger.lookups.export.export_codes": case(RUN),
        "ledger.lookups.export.export_codes@many": case(BATCH, run_ids=scenario.event_run_ids[:BATCH]),
        "ledger.lookups.export.keys_of_runs": case(BATCH, run_ids=scenario.event_run_ids[:BATCH]),
        "ledger.lookups.export.runs_of_workflow": case(ONE, workflow="present"),
        "ledger.lookups.export.runs_of_workflow_since": case(ONE, workflow="w7", since=scenario.now),
        "uplift.measure.read_runs": case(ONE, within_s=86400),
        "uplift.measure.read_runs@many": case(len(scenario.event_run_ids), within_s=86400, **many),
        "uplift.measure.events": case(RUN, event="opened", within_s=86400),
        "uplift.measure.read_columns": Case(size=ONE, fills=own),
        "uplift.measure.with_value": Case(size=ONE, fills=own),
        "uplift.measure.without_value": Case(size=ONE, fills=own),
        "uplift.measure.count_arms": Case(size=RUN, terms={"event": "opened", "within_s": 86400}, fills=arms),
        "uplift.measure.count_arms@many": Case(
            size=len(scenario.event_run_ids), terms={"event": "opened", "within_s": 86400, **many}, fills=arms
        ),
        "demo.ledger_view.read_states": case(RUN),
        "demo.ledger_view.read_accepted_since": case(RUN, since=scenario.now),
        "demo.ledger_view.read_leases": case(RUN),
        "demo.ledger_view.read_counts": case(RUN, field_id=1),
        "demo.ledger_view.read_samples": case(RUN, field_id=1),
        "demo.ledger_view.read_fingerprint": case(ONE),
    }
