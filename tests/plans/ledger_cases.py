"""The ledger's queries: runs, assignments, attempts, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plans.cases import BATCH, ONE, RUN, Case, case
from promo_campaigns.sql import queries

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
    }
    listed = {"/* audience */": "select unnest(%(contact_ids)s::bigint[]) as contact_id"}
    return {
        "run.lock_pool": case(ONE),
        "run.knows_zone": case(ONE),
        "run.read_strange_zones": case(RUN),
        "run.add_run": case(ONE, **spec, run_key="new"),
        "run.read_run_by_key": case(ONE),
        "run.read_run": case(ONE),
        "run.add_audience": Case(size=BATCH, terms={"run_id": scenario.empty_run_id, "time_zone": None}, fills=listed),
        "run.read_batches": case(RUN, batch_size=500),
        "run.count_zones": case(RUN),
        "run.read_zone_batches": case(RUN, batch_size=500),
        "run.measure_audience": case(RUN),
        "run.count_open": case(RUN, states=["pending", "assigned", "sending", "accepted"]),
        "run.lock_run": case(ONE),
        "run.close_run": case(ONE),
        "run.set_mode": case(ONE, mode="missing"),
        "run.reopen_run": case(ONE, closed, approval=True),
        "approval.read_approval": case(ONE),
        "approval.decide": case(
            ONE,
            "update promo.run set approval = 'awaited' where run_id = %(run_id)s",
            state="given",
            approved_by="ops",
        ),
        "approval.skip_refused": case(RUN),
        "approval.count_left_out": case(RUN),
    }


def _assignments() -> dict[str, Case]:
    late = "update promo.run set send_by = now() + interval '1 hour' where run_id = %(run_id)s"
    over = "update promo.run set send_by = now() where run_id = %(run_id)s"
    quiet = "update promo.run set quiet_hours = '{[0,10080)}' where run_id = %(run_id)s"
    short = "update promo.run set days = 30 where run_id = %(run_id)s"
    return {
        "assignment.skip_unreachable": case(BATCH),
        "assignment.read_reachable": case(BATCH),
        "assignment.read_reachable_in_zone": case(BATCH),
        "assignment.return_short": case(BATCH, short),
        "assignment.expire_overdue": case(BATCH, over),
        "assignment.read_limits": case(ONE),
        "assignment.give_up_quiet": case(BATCH, late, quiet, open_s=60.0),
        "assignment.read_zones": case(BATCH, open_s=60.0),
        "assignment.lock_contacts": case(BATCH),
        "assignment.read_moment": case(ONE),
        "assignment.skip_capped": case(BATCH),
        "assignment.read_pool": case(ONE),
        "assignment.reuse_codes": case(BATCH),
        "assignment.claim_codes": case(BATCH),
        "assignment.count_pending": case(BATCH),
        "assignment.skip_without_code": case(BATCH),
        "assignment.read_codes": case(BATCH),
        "assignment.read_states": case(BATCH),
        "assignment.reopen_missing": case(RUN),
        "assignment.read_accepted": case(BATCH),
        "assignment.read_accepted_in_zone": case(BATCH),
    }


def _attempts(scenario: Scenario) -> dict[str, Case]:
    lapsed: Step = ("attempt.fold_lapsed", {})
    sent = ("attempt.begin_messages", {"token": scenario.token})
    recorded = ("attempt.begin_profiles", {"token": scenario.token, "purpose": "profile"})
    profile = {"purpose": "profile", "source": 1, "token": scenario.token}
    settled = ("attempt.settle_attempts", {"token": scenario.token})
    return {
        "attempt.next_lease": case(ONE),
        "attempt.hold_lease": case(ONE),
        "attempt.read_unheard": case(BATCH, lapsed, sent),
        "attempt.fold_lapsed": case(BATCH),
        "attempt.begin_messages": case(BATCH, lapsed),
        "attempt.due_messages": case(BATCH, lapsed),
        "attempt.begin_profiles": case(BATCH, **profile),
        "attempt.due_profiles": case(BATCH, **profile),
        "attempt.read_recipients": case(BATCH, lapsed, sent),
        "attempt.held_leases": case(BATCH, lapsed, sent),
        "attempt.lock_assignments": case(BATCH),
        "attempt.settle_attempts": case(BATCH, lapsed, sent),
        "attempt.settle_assignments": case(BATCH, lapsed, sent, settled),
        "attempt.settle_profiles": case(BATCH, recorded, ("attempt.settle_attempts", profile), **profile),
        "attempt.list_unknown": case(RUN),
        "attempt.list_unknown_of_run": case(RUN),
        "attempt.list_unknown_of_contacts": case(BATCH),
        "attempt.judge_unknown": case(BATCH, outcome="ok", detail="by hand"),
        "attempt.resend_unknown": case(BATCH),
    }


def _answers(scenario: Scenario) -> dict[str, Case]:
    none = "delete from promo.answer where run_id = %(run_id)s"
    asked = ("answer.begin_answers", {"source": 0, "token": scenario.token})
    settled = ("attempt.settle_attempts", {"purpose": "answer", "token": scenario.token})
    return {
        "answer.begin_answers": case(BATCH, none, source=0),
        "answer.due_answers": case(BATCH, none, source=0),
        "answer.keep_answers": case(BATCH, none, asked, source=0),
        "answer.settle_answers": case(BATCH, none, asked, settled, source=0),
        "answer.read_answers": case(BATCH),
        "answer.erase_answers": case(scenario.people // 20 + 1_400, days=30),
    }


def _reports(scenario: Scenario) -> dict[str, Case]:
    many = {"run_ids": scenario.event_run_ids}
    arms = {"/* conversions */": queries("uplift")["events"]}
    own = {"/* conversions */": "select 1 as contact_id, now() as at, 1 as value"}
    return {
        "run_report.read_run": case(ONE),
        "run_report.count_stock": case(ONE),
        "run_report.count_states": case(RUN),
        "run_export.export_codes": case(RUN),
        "run_export.export_codes@many": case(BATCH, run_ids=scenario.event_run_ids[:BATCH]),
        "run_export.runs_of_workflow": case(ONE, workflow="present"),
        "run_export.runs_of_workflow_since": case(ONE, workflow="w7", since=scenario.now),
        "uplift.read_runs": case(ONE, within_s=86400),
        "uplift.read_runs@many": case(len(scenario.event_run_ids), within_s=86400, **many),
        "uplift.events": case(RUN, event="opened", within_s=86400),
        "uplift.read_columns": Case(size=ONE, fills=own),
        "uplift.with_value": Case(size=ONE, fills=own),
        "uplift.without_value": Case(size=ONE, fills=own),
        "uplift.count_arms": Case(size=RUN, terms={"event": "opened", "within_s": 86400}, fills=arms),
        "uplift.count_arms@many": Case(
            size=len(scenario.event_run_ids), terms={"event": "opened", "within_s": 86400, **many}, fills=arms
        ),
        "demo.read_states": case(RUN),
        "demo.read_accepted_since": case(RUN, since=scenario.now),
        "demo.read_leases": case(RUN),
        "demo.read_counts": case(RUN, field_id=1),
        "demo.read_samples": case(RUN, field_id=1),
        "demo.read_fingerprint": case(ONE),
    }
