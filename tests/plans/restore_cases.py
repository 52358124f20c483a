"""The queries about a store that was restored from a backup."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from plans.cases import BATCH, ONE, RUN, Case, case

if TYPE_CHECKING:
    from plans.cases import Step

_SAID = """
insert into promo.store_restore (restore_id, restored_to, said_by, claim_id) overriding system value
values (1, now() - interval '1 hour', 'ops', 0)
"""
_FROZEN = "insert into promo.restored_run (run_id, restore_id) values (%(run_id)s, 1)"
_TOLD = """
insert into promo.restored_send (run_key, contact_id, promo_code_id, restore_id, sent_at, accepted)
select %(run_key)s, a.contact_id, coalesce(a.promo_code_id, f.promo_code_id), 1, now(), true
from (select *, row_number() over () as n from promo.assignment where run_id = %(run_id)s) a
join (select promo_code_id, row_number() over () as n from promo.promo_code
      where code_file_id = %(code_file_id)s and issued_at is null) f using (n)
"""
_STAGED = """
insert into pg_temp.staged_send (line, run_key, given_id, external_id, code, accepted)
select row_number() over (), case when a.contact_id %% 2 = 0 then %(run_key)s end, a.contact_id, null, p.code, true
from (select * from promo.assignment where run_id = %(run_id)s and promo_code_id is not null limit 500) a
join promo.promo_code p using (promo_code_id)
"""
_CONTRADICTED = """
update pg_temp.staged_send
set problem = case when line % 2 = 0 then 'the code is another contact''s'
                   else 'the contact holds another code of the run' end
"""
_ROOM = "ledger.restores."


def restore_cases() -> dict[str, Case]:
    """Return a case for each of them."""
    return {**_restoring(), **_told(), **_deciding()}


def _restoring() -> dict[str, Case]:
    now = datetime.now(timezone.utc)
    room = f"{_ROOM}restoring."
    put_off: Step = (f"{room}put_off_events", {})
    return {
        f"{room}say_restored": case(ONE, restored_to=now, by="ops", reason=None),
        f"{room}read_clock": case(ONE),
        f"{room}freeze_runs": case(RUN, _SAID, restore_id=1),
        f"{room}freeze_sends": case(RUN, _SAID, restored_to=now),
        f"{room}put_off_events": case(RUN),
        f"{room}read_restore": case(ONE, _SAID),
        f"{room}waiting_runs": case(ONE, _SAID, _FROZEN),
        f"{room}count_free": case(RUN),
        f"{room}count_put_off": case(RUN, put_off),
        f"{room}count_forgotten": case(RUN, _SAID, _TOLD),
        f"{room}find_decision": case(ONE, _SAID, _FROZEN, due_at=None),
    }


def _told() -> dict[str, Case]:
    room = f"{_ROOM}told_sends."
    staged: tuple[Step, ...] = (_SAID, _FROZEN, (f"{room}create_staging", {}), _STAGED, (f"{room}analyze_staging", {}))
    people: Step = (f"{room}find_people", {})
    named: tuple[Step, ...] = (*staged, people, (f"{room}find_runs", {}), (f"{room}name_runs", {}))
    waiting: tuple[Step, ...] = (_SAID, _TOLD)
    now = datetime.now(timezone.utc)
    of_restore: dict[str, object] = {"restored_to": now, "said_at": now, "claim_id": 0}
    # Told of 2,000 sends, they look at as many contacts.
    return {
        f"{room}tune_load": case(ONE),
        f"{room}find_people": case(BATCH, *staged),
        f"{room}find_runs": case(BATCH, *staged, people),
        f"{room}name_runs": case(BATCH, *staged, people),
        f"{room}find_problems": case(BATCH, *named),
        f"{room}find_returns": case(BATCH, *named, _CONTRADICTED),
        f"{room}return_told": case(BATCH),
        f"{room}forget_contradictions": case(BATCH, *named),
        f"{room}withdraw_told": case(BATCH, *named),
        f"{room}keep_told": case(BATCH, *named, restore_id=1),
        f"{room}told_runs": case(BATCH, *named),
        f"{room}count_staged": case(BATCH, *named),
        f"{room}list_problems": case(BATCH, *named, limit=1_000),
        f"{room}has_told": case(RUN, *waiting),
        f"{room}reopen_told": case(2 * RUN, *waiting),
        f"{room}give_told": case(2 * RUN, *waiting, **of_restore),
        f"{room}told_of_fallback": case(RUN, *waiting),
        f"{room}intend_told": case(2 * RUN, *waiting, **of_restore),
        f"{room}told_accepted": case(RUN, *waiting, after=0, limit=5_000),
        f"{room}skip_told": case(2 * RUN, *waiting),
        f"{room}let_go_told": case(RUN, *waiting),
    }


def _deciding() -> dict[str, Case]:
    room = f"{_ROOM}deciding."
    frozen: tuple[Step, ...] = (
        _SAID,
        _FROZEN,
        (f"{_ROOM}restoring.freeze_sends", {"restored_to": datetime.now(timezone.utc)}),
    )
    put_off: Step = (f"{_ROOM}restoring.put_off_events", {})
    return {
        f"{room}next_restored": case(BATCH, *frozen, after=0, limit=BATCH),
        f"{room}lock_decision": case(ONE, _SAID, restore_id=1),
        f"{room}refuse_restored": case(BATCH, *frozen, detail="decided"),
        f"{room}skip_restored": case(RUN, *frozen),
        f"{room}decide_run": case(ONE, *frozen, rest="unsent"),
        f"{room}decide_rest": case(ONE, _SAID, rest="unsent", restore_id=1),
        f"{room}end_answered_events": case(2 * RUN, put_off, _SAID, _TOLD),
        f"{room}let_events_wait": case(RUN, put_off),
        f"{room}end_events": case(RUN, put_off),
        f"{room}withdraw_free": case(RUN),
        f"{room}decide_codes": case(ONE, _SAID, free_codes="release", restore_id=1),
        f"{room}lift": case(ONE, *frozen, restore_id=1),
    }
