"""The store's other queries: codes and their files, contacts, events, transports."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from plans.cases import BATCH, FILE, ONE, RUN, Case, case
from promo_campaigns.contacts.bulk_store import _matching_steps, _writing_steps
from promo_campaigns.model.contacts import Matching

if TYPE_CHECKING:
    from plans.cases import Step
    from plans.scenario import Scenario

_STAGED = """
insert into pg_temp.staged_code (line, code, expires_at, discount, type, retired)
select n, case when n <= 250 then 'C' || lpad((n * 37)::text, 9, '0') else 'N' || n end, now() + interval '90 days', 10,
       'Welcome', n % 2 = 0
from generate_series(1, 500) n
"""
_STAGED_CONTACTS = """
insert into stage_contact (row_number, given_id, external_id, first_name)
select n, case when n % 100 = 0 then n end, case when n % 100 > 50 then 'customer-' || n * 7 end, 'Grace'
from generate_series(1, 500) n;
insert into stage_channel (row_number, position, is_identity, type, value)
select n, 0, true, 'mobilepush', case when n % 10 < 7 then 'token-' || n * 7 else 'new-' || n end
from generate_series(1, 500) n;
insert into stage_address (row_number, town) select n, 'Lviv' from generate_series(1, 500) n;
insert into stage_value (row_number, field_id, value)
select n, 1, case when n % 5 > 0 then 'value of ' || n end from generate_series(1, 500) n
"""
_UNSUBSCRIBED = (
    "update promo.contact_channel set unsubscribed_at = now()"
    " where type = 'email' and value in (select 'c' || n || '@example.com' from generate_series(1, 500) n)"
)
_KEPT_JOB = """
insert into promo.background_job (background_job_id, kind, subject, actor, terms) overriding system value
values (1, 'dry run', 'kept', 'ops', '{}')
"""
_KEPT_PARTS = """
insert into promo.dry_run_part (background_job_id, part, send, skipped, rejected, contacts)
select 1, n, 1, 1, 1, '[]' from generate_series(1, 500) n
"""
_OLD_EVENTS = (
    "update promo.event set received_at = now() - interval '40 days' where received_at > now() - interval '1 hour'"
)
_RUNS_OF_A_CONTACT = 10
"""Each contact of a page was in so many runs, and a row is read of each."""
_CHANNELS = 20
"""Each row of a load is compared with the channels of its contact, several times over."""
_SPREAD = 60
"""The codes of a file are found by the part of the table, and each part has a few of each file."""


def store_cases(scenario: Scenario) -> dict[str, Case]:
    """Return a case for each query that is not the ledger's."""
    return {
        **_code_files(scenario),
        **_contacts(scenario),
        **_contact_batches(),
        **_erasures(),
        **_found_contacts(),
        **_groups(),
        **_orders(),
        **_api_keys(),
        **_events(scenario),
        **_event_queue(scenario),
        **_previews(scenario),
        **_calls(scenario),
        **_monitoring(),
        **_background(scenario),
        **_redemptions(scenario),
    }


def _code_files(scenario: Scenario) -> dict[str, Case]:
    staged: tuple[Step, ...] = (
        ("code_files.load.create_staging", {}),
        _STAGED,
        ("code_files.load.analyze_staging", {}),
    )
    levels = {"types": ["Welcome"], "levels": ["alarm"], "amounts": [100]}
    codes = [f"C{n * 37:09}" if n < 50 else f"drawn-{n}" for n in range(BATCH)]
    drawn = {
        "codes": codes,
        "lines": list(range(2, 2 + len(codes))),
        "expires_at": datetime.now(timezone.utc),
        "discount": 10,
        "type": "Welcome",
        "attributes": "",
        "starts_at": None,
        "code_file_id": 7,
    }
    counts = {"rows": 0, "inserted": 0, "updated": 0, "unchanged": 0, "rejected": 0}
    return {
        "code_files.load.tune_load": case(ONE),
        "code_files.load.lock_file": case(ONE, lock=7),
        "code_files.load.find_file": case(ONE, sha256=scenario.sha256),
        "code_files.load.was_withdrawn": case(100, *staged, sha256=scenario.sha256),
        "code_files.load.file_rejects": case(ONE, code_file_id=7),
        "code_files.load.add_file": case(ONE, name="new.csv", sha256=b"y" * 32, time_zone="UTC"),
        "code_files.load.merge_staging": case(BATCH, *staged),
        "code_files.load.retire_issued": case(BATCH, *staged),
        "code_files.load.staged_duplicates": case(BATCH, *staged),
        "code_files.load.read_clock": case(ONE),
        "code_files.load.count_expired": case(BATCH, *staged, now=datetime.now(timezone.utc)),
        "code_files.load.finish_file": case(ONE, **counts),
        "code_files.load.add_rejects": case(ONE, lines=[2], columns=["code"], reasons=["empty"]),
        "code_files.load.lock_for_withdrawal": case(ONE),
        "code_files.load.withdraw_file": case(ONE),
        "code_files.load.retire_file": Case(size=FILE, per=_SPREAD),
        "code_files.load.retire_file@old": Case(size=1_000, per=_SPREAD, terms={"code_file_id": 50}),
        "code_files.load.issued_codes": Case(size=FILE, per=_SPREAD),
        "code_files.load.issued_codes@old": Case(size=1_000, per=_SPREAD, terms={"code_file_id": 50}),
        "code_files.generate.find_set": case(ONE, key="spring.csv"),
        "code_files.generate.count_drawn": case(ONE, pattern="SPRING-????"),
        "code_files.generate.add_codes": case(BATCH, **drawn),
        "code_files.generate.lacking_lines": case(BATCH, **drawn),
        "code_files.starts.has_due_codes": case(ONE),
        "code_files.starts.start_codes": case(ONE),
        "code_files.generate.finish_file": case(ONE, codes=0, sha256=b"z" * 32),
        "code_files.generate.add_set": case(ONE, key="spring.csv", pattern="S-????", codes=1, terms="{}"),
        "code_files.generate.codes_of_set": Case(size=FILE, per=_SPREAD),
        "code_files.generate.codes_of_set@old": Case(size=1_000, per=_SPREAD, terms={"code_file_id": 50}),
        "code_files.stock.list_files": case(20, before=2**63 - 1),
        "code_files.stock.read_file": case(ONE),
        "code_files.stock.list_rejects": case(ONE, code_file_id=7),
        "code_files.stock.count_withdrawal": Case(size=FILE, per=_SPREAD),
        "code_files.stock.count_withdrawal@old": Case(size=1_000, per=_SPREAD, terms={"code_file_id": 50}),
        "code_files.stock.stock": case(ONE),
        "code_files.stock_levels.read_levels": case(ONE, **levels),
        "preview.test_request.codes_held": case(ONE),
        "postgres.audit.begin_entry": case(
            ONE, action="export", subject="run", revealed=False, actor="ops", reason=None
        ),
        "postgres.audit.finish_entry": case(
            ONE,
            "insert into promo.audit (action, subject, actor) values ('export', 'run', 'ops')",
            audit_id=scenario.next_audit_id,
            rows=1,
            broken_off=False,
        ),
        "postgres.audit.list_entries": case(20),
        "postgres.audit.entries_before": case(20, before=2**62),
    }


def _redemptions(scenario: Scenario) -> dict[str, Case]:
    nobody: list[None] = [None] * BATCH
    told = {
        "codes": [f"C{n * 90 + 1:09}" for n in range(BATCH)],
        "orders": [f"order {n}" for n in range(BATCH)],
        "times": [datetime.now(timezone.utc)] * BATCH,
        "amounts": [10] * BATCH,
        "currencies": ["EUR"] * BATCH,
        "contact_ids": nobody,
        "external_ids": [f"customer-{n}" for n in range(BATCH)],
        "types": nobody,
        "locators": nobody,
        "source": "file x",
    }
    kept: Step = ("redemptions.store.add_redemptions", told)
    return {
        # Each row is written with the entries of six indexes, and its code with those of its own: a descent each.
        "redemptions.store.add_redemptions": Case(size=BATCH, per=20, pages=60, terms=told),
        "redemptions.store.lock_source": case(ONE, name="shop"),
        "redemptions.report.count_runs": case(BATCH, kept),
        "redemptions.report.sum_revenue": case(BATCH, kept),
        "redemptions.report.count_findings": case(BATCH, kept),
        "redemptions.report.count_arms": case(RUN, kept, run_id=scenario.run_id),
        "redemptions.report.list_findings": case(BATCH, kept, before=2**62, limit=50),
        "uplift.measure.redemptions": case(BATCH, kept, within_s=60.0, event="EUR"),
    }


def _closings() -> dict[str, Case]:
    told = {
        "contact_ids": [None if n % 2 else n for n in range(1, BATCH + 1)],
        "types": ["mobilepush"] * BATCH,
        "locators": [f"token-{n}" if n % 2 else None for n in range(1, BATCH + 1)],
        "reasons": ["bounced", "unsubscribed"] * (BATCH // 2),
        "by": ["a gateway"] * BATCH,
        "at": [None] * BATCH,
    }
    now = datetime.now(timezone.utc)
    span = {"type": "mobilepush", "since": now.replace(year=now.year - 1), "until": now.replace(year=now.year + 1)}
    close: Step = ("contacts.closing.close_channels", told)
    listed = {"since": span["since"], "until": span["until"], "after": span["since"], "after_id": 0}
    listed |= {"reasons": ["bounced", "unsubscribed"], "limit": 50}
    return {
        "contacts.closing.close_channels": case(BATCH, **told),
        "contacts.closing.close_free_channels": case(BATCH, **told),
        "contacts.closing.reopen_channels": case(ONE, close, contact_id=8, type="mobilepush"),
        "contacts.closing.reopen_locator": case(ONE, close, contact_id=8, type="mobilepush", locator="token-8"),
        "contacts.closing.reopen_failed": case(BATCH, close, **span),
        "contacts.closing.list_closed": case(50, close, limit=50),
        "contacts.closing.list_closings": case(50, close, **listed),
        "contacts.closing.list_closings_of": case(ONE, close, type="mobilepush", locator="token-7", **listed),
        "contacts.closing.hear_notice": case(ONE, signature=b"s" * 32),
        "contacts.closing.forget_notices": case(ONE, keep_s=900),
        "delivery.bounces.hearing.sent_mails": Case(size=BATCH, per=2 * _RUNS_OF_A_CONTACT, terms={"most_runs": 200}),
    }


def _contacts(scenario: Scenario) -> dict[str, Case]:
    identity = {
        "types": ["mobilepush", "email"],
        "locators": ["token-7", "c7@example.com"],
        "devices": [None, None],
        "field_ids": [1, 2],
        "values": ["a", None],
        "first_name": "Grace",
        "last_name": None,
        "language": None,
        "time_zone": None,
    }
    new = {**identity, "external_id": "new", "locators": ["new-token", "new@example.com"]}
    import_id = {"contact_import_id": scenario.import_id}
    named = {"by": "mobilepush", "values": [f"token-{n}" for n in range(1, BATCH + 1)]}
    return {
        "contacts.audiences.by_ids": case(BATCH),
        "contacts.audiences.count_contact_ids": case(BATCH, values=[str(n) for n in range(1, BATCH + 1)]),
        "contacts.audiences.count_external_ids": case(BATCH, values=[f"customer-{n}" for n in range(1, BATCH + 1)]),
        "contacts.audiences.count_locators": case(BATCH, **named),
        "contacts.audiences.first_of": Case(size=ONE, fills={"/* audience */": "select contact_id from promo.contact"}),
        "contacts.audiences.read_some_contacts": Case(
            size=50, terms={"limit": 50}, fills={"/* audience */": "select contact_id from promo.contact"}
        ),
        "contacts.audiences.count_up_to": Case(
            size=BATCH, terms={"limit": BATCH}, fills={"/* audience */": "select contact_id from promo.contact"}
        ),
        "contacts.audiences.count_selected": Case(
            size=BATCH, fills={"/* audience */": "select contact_id from promo.contact where contact_id <= 500"}
        ),
        "contacts.audiences.limit_time": case(ONE, ms="1000"),
        "ledger.lookups.senders.sends": case(BATCH * _RUNS_OF_A_CONTACT, limit=50),
        "contacts.audiences.by_contact_id": case(BATCH, values=[str(n) for n in range(1, BATCH + 1)]),
        "contacts.audiences.by_external_id": case(BATCH, values=[f"customer-{n}" for n in range(1, BATCH + 1)]),
        "contacts.audiences.by_channel": case(BATCH, **named),
        "contacts.audience_values.which_external_ids": case(
            BATCH, values=[f"customer-{n}" for n in range(1, BATCH + 1)]
        ),
        "contacts.audience_values.which_locators": case(BATCH, **named),
        "contacts.audience_values.keep_values": case(BATCH, told=['{"spent": ["decimal", "1"]}'] * BATCH),
        "contacts.audience_values.has_values": case(ONE),
        "contacts.audience_values.erase_values": case(scenario.people // 20, days=30),
        **_closings(),
        "contacts.store.find_owners": case(ONE, **identity),
        "contacts.store.put_values": case(ONE, **identity),
        "contacts.store.insert_contact": case(ONE, **new),
        "contacts.store.update_contact": case(ONE, **identity, contact_id=7, external_id="customer-7"),
        "contacts.store.read_contacts": case(BATCH),
        "contacts.store.list_fields": case(ONE),
        "postgres.watermarks.read_mark": case(ONE, reader="crm.load", digest=b"x" * 32),
        "postgres.watermarks.move_mark": case(ONE, reader="crm.load", digest=b"x" * 32, kind="text", value="2026"),
        "contacts.store.find_field": case(ONE, name="f1", field_id=None),
        "contacts.store.insert_field": case(ONE, name="new", field_id=3, type="number", description=""),
        "contacts.store.pass_field_ids": case(ONE),
        "contacts.import_queue.accept_import": case(
            ONE, session_id=None, acceptable=True, request='{"rows": []}', total=1, failures="[]"
        ),
        "contacts.import_queue.lock_imports": case(ONE, key=7),
        "contacts.import_queue.next_import": case(ONE),
        "contacts.import_queue.finish_import": case(
            ONE, inserted=1, updated=0, unchanged=0, failures="[]", **import_id
        ),
        "contacts.import_queue.fail_import": case(ONE, **import_id),
        "contacts.import_queue.read_import": case(ONE, session_id=scenario.session_id),
        "contacts.import_queue.list_failures": case(ONE, session_id=scenario.session_id, limit=3_000),
    }


def _contact_batches() -> dict[str, Case]:
    terms = {
        "first": 1,
        "last": BATCH,
        "listed": ["firstName", "email"],
        "field_id": 1,
        "same_contact": "same ",
        "other_contact": "other",
        "was_erased": "erased",
        "other_external_id": "other",
        "unknown_zone": "unknown",
        "held": "held",
        "was_deleted": "deleted",
        "lock_wait": "200ms",
        "joins": [4],
        "leaves": [2],
        "event_type": "cameInBulk",
    }
    matching = Matching(field_id=1, listed=("firstName", "email"), joins=(4,), leaves=(2,), event_type="cameInBulk")
    done: list[Step] = [
        ("contacts.bulk_store.create_stage", {}),
        *_STAGED_CONTACTS.split(";"),
        ("contacts.bulk_store.index_stage", {}),
    ]
    found: dict[str, Case] = {}
    terms |= {"rows": [1], "places": [None], "first_rows": [None]}
    staging = (*_matching_steps(matching), "refuse_twins", "list_shadowed", "let_in", "analyze_stage")
    for step in (*staging, "limit_lock_wait", "refuse_lot_twins", *_writing_steps(matching)):
        if step != "analyze_stage":
            found[f"contacts.bulk_store.{step}"] = Case(size=BATCH, per=_CHANNELS, terms=terms, before=tuple(done))
        done.append((f"contacts.bulk_store.{step}", terms))
    for step in ("forget_matches", "refuse_held", "restore_deleted", "count_outcomes", "list_rejects"):
        found[f"contacts.bulk_store.{step}"] = Case(size=BATCH, terms=terms, before=tuple(done))
    return found


def _erasures() -> dict[str, Case]:
    channels = {"types": ["mobilepush"], "locators": ["token-50"], "external_id": "customer-50"}
    return {
        "contacts.erasure.find_contact": case(ONE),
        "contacts.erasure.find_contact@id": case(ONE, external_id=None),
        "contacts.erasure.strip_imports": case(ONE),
        "contacts.erasure.lock_contact": case(ONE),
        "contacts.erasure.lock_assignments": case(ONE),
        "contacts.erasure.keep_digests": case(ONE),
        "contacts.erasure.erase_identity": case(ONE),
        "contacts.erasure.count_identity": case(ONE),
        "contacts.erasure.find_erased": case(ONE, **channels),
        "contacts.erasure.forget_digests": case(ONE, contact_id=50),
        "contacts.erasure.readmit_contact": case(ONE, **channels, contact_id=50),
    }


def _found_contacts() -> dict[str, Case]:
    first = {"after": 0, "after_name": "", "first_name": "ada", "last_name": "lovelace", "group_id": 3}
    holder = {**first, "types": ["email"], "locators": ["c7@example.com"]}
    locators = {"type": "email", "values": [f"c{n}@example.com" for n in range(1, BATCH + 1)]}
    deleted: Step = ("contacts.deletion.delete_contact", {"contact_id": 7})
    return {
        "contacts.search.everybody": case(BATCH, **first, limit=BATCH),
        "contacts.search.everybody@far": case(BATCH, **{**first, "after": 5_000}, limit=BATCH),
        "contacts.search.by_locator": case(ONE, **holder),
        "contacts.search.by_first_name": case(BATCH, **first, limit=BATCH),
        "contacts.search.by_first_name@far": case(BATCH, **{**first, "after": 5_000}, limit=BATCH),
        "contacts.search.by_names": case(BATCH, **{**first, "after": 5_000}, limit=BATCH),
        "contacts.search.by_last_name": case(BATCH, **first, limit=BATCH),
        "contacts.search.by_last_name@far": case(BATCH, **{**first, "after": 5_000, "after_name": "ada"}, limit=BATCH),
        "contacts.search.by_group": case(BATCH, **{**first, "after": 5_000}, limit=BATCH),
        "contacts.search.read_shown": case(BATCH),
        "contacts.search.read_emails": case(BATCH),
        "contacts.store.is_there": case(ONE),
        "contacts.addresses.put_address": case(ONE, region="Kyiv", town=None, address=None, postcode="01001"),
        "contacts.deletion.delete_contact": case(ONE, contact_id=7),
        "contacts.deletion.restore_contact": case(ONE, deleted, contact_id=7),
        "contacts.unsubscribed.open_locators": case(BATCH, _UNSUBSCRIBED, **locators),
    }


def _groups() -> dict[str, Case]:
    made = {"names": [f"group {n}" for n in range(BATCH)], "most": 10_000}
    made_already: Step = ("contacts.groups.add_groups", made)
    categories: Step = ("contacts.groups.make_subscriptions", {"group_ids": [1, 2, 3]})
    member = {"group_id": 4, "contact_ids": list(range(1001, 1001 + BATCH))}
    return {
        "contacts.groups.find_groups": case(BATCH, made_already, **made),
        "contacts.groups.add_groups": case(BATCH, **made),
        "contacts.groups.find_group": case(ONE, group_id=1),
        "contacts.groups.list_groups": case(BATCH, made_already, after=0, limit=BATCH),
        "contacts.groups.list_groups_by_name": case(BATCH, made_already, after=0, limit=BATCH, name="group 1"),
        "contacts.groups.join_groups": case(ONE, group_ids=[4]),
        "contacts.groups.make_subscriptions": case(3, group_ids=[1, 2, 3]),
        "contacts.groups.list_subscriptions": case(4, categories),
        "contacts.groups.subscriptions_of": case(3, categories),
        "contacts.groups.leave_subscriptions": case(3, categories, group_ids=[4]),
        "contacts.groups.attach": case(BATCH, **member),
        "contacts.groups.detach": case(BATCH, **{**member, "group_id": 2}),
    }


def _api_keys() -> dict[str, Case]:
    made = {"name": "shop", "digest": b"x" * 32, "scopes": ["read"], "per_second": 1, "actor": "ops", "most": 1_000}
    return {
        "profile_api.keys.store.add_key": case(ONE, **made),
        "profile_api.keys.store.list_keys": case(ONE, most=10),
        "profile_api.keys.store.revoke_key": case(ONE, **made),
        "profile_api.keys.store.read_keys": case(ONE, most=10),
    }


def _orders() -> dict[str, Case]:
    order = {"status": "DELIVERED", "ordered_at": datetime.now(timezone.utc), "total": 19.9, "currency": "EUR"}
    one = {**order, "external_id": "order 1", "contact_id": 7, "details": "{}"}
    known: Step = ("contacts.orders.put_order", one)
    return {
        "contacts.orders.put_order": case(ONE, **one),
        "contacts.orders.read_order": case(ONE, known, external_id="order 1"),
        "contacts.orders.delete_order": case(ONE, known, external_id="order 1"),
        "contacts.orders.count_orders": case(BATCH, known),
    }


def _events(scenario: Scenario) -> dict[str, Case]:
    named = {"types": ["mobilepush"], "locators": ["token-7"]}
    event = {"key": "k", "params": '{"a": 1}', "token": scenario.session_id, "type": "opened"}
    return {
        "contacts.event_store.find_contact": case(ONE, **named),
        "contacts.event_store.find_contact@channel": case(ONE, contact_id=None, external_id=None, **named),
        "contacts.event_store.add_event": case(ONE, **event),
        "contacts.event_store.add_past_event": case(ONE, **event, occurred_at=scenario.now),
        "contacts.event_store.newest": case(20),
        "contacts.event_store.newest_of_type": case(20, type="nobody sends this"),
        "contacts.event_store.newest_waiting": case(20),
        "contacts.event_store.newest_waiting_of_type": case(300, type="nobody sends this"),
        "contacts.event_store.list_events": case(20, event_ids=list(range(1001, 1021))),
        "contacts.event_store.list_listeners": case(300, limit=10_001),
        "contacts.event_store.refuse_old": case(300, days=1),
        "contacts.event_store.erase_old": case(400, _OLD_EVENTS, days=30),
        "contacts.event_store.delete_old": case(
            400,
            _OLD_EVENTS,
            ("contacts.event_store.erase_old", {"days": 30}),
            days=30,
        ),
    }


def _event_queue(scenario: Scenario) -> dict[str, Case]:
    terms = {
        "workflow": "hello",
        "type": "opened",
        "reentry": "period",
        "period_s": 86400.0,
        "alone": True,
        "max_age_s": 3600.0,
        "limit": 200,
        "quiet_s": 60.0,
        "consumer": "t",
        "free": 1000,
    }
    run = {"run_id": scenario.empty_run_id}
    matched = {
        "types": ["Welcome"],
        "discounts": [10],
        "days": 7,
        "reuses": True,
        "names": ["store"],
        "sources": ["contact.language"],
        "attributes": ['{"store": "uk"}'],
        "free": [50],
        "suiting_all": 1000,
    }
    return {
        "ledger.event_queue.listen": case(ONE, **{**terms, "type": "left"}),
        "ledger.event_queue.stop_listening": case(ONE, **terms),
        "ledger.event_queue.refuse_waiting": case(300, **terms),
        "ledger.event_queue.wake": case(ONE, **terms),
        "ledger.event_queue.acquire": case(ONE, **terms),
        "ledger.event_queue.renew": case(ONE, **terms),
        "ledger.event_queue.is_consumer": case(ONE, **terms),
        "ledger.event_queue.lock_queue": case(ONE, **terms),
        "ledger.event_queue.refuse_events": case(200, **terms),
        "ledger.event_queue.read_window": case(200, **terms),
        "ledger.event_queue.count_servable": case(200, **terms, types=["Welcome"], discounts=[10]),
        "ledger.event_queue.count_matched": case(200, **{**terms, **matched}),
        "ledger.event_queue.take_events": case(200, **{**terms, "reentry": "always", "alone": False}, **run),
    }


def _previews(scenario: Scenario) -> dict[str, Case]:
    audience = {"/* audience */": "select unnest(%(contact_ids)s::bigint[]) as contact_id"}
    terms = {
        "workflow": "present",
        "hold_out": 5,
        "channel": "mobilepush",
        "reuses": True,
        "at": None,
        "cap_messages": 3,
        "cap_hours": 168,
        "time_zone": "UTC",
        "types": ["Welcome"],
        "discounts": [10],
        "match_names": None,
        "match_sources": None,
    }
    chain = {"types": ["Welcome", "Other0"], "discounts": [10, 10]}
    match = {"match_names": ["store"], "match_sources": ["contact.language"]}
    return {
        "preview.dry_run.audience": Case(size=BATCH, terms=terms, fills=audience),
        "preview.dry_run.audience@chained": Case(size=BATCH, per=20, terms={**terms, **chain}, fills=audience),
        "preview.dry_run.audience@matched": Case(size=BATCH, per=20, terms={**terms, **match}, fills=audience),
        "preview.dry_run.told_attributes": case(BATCH, **match, told=["{}"] * BATCH),
        "preview.dry_run.codes": Case(size=BATCH, fetched=BATCH, terms={"at": None, "ahead": 50, "attributes": ""}),
        "preview.shown_message.codes_of_contacts": case(BATCH * _RUNS_OF_A_CONTACT, limit=50),
        "preview.dry_run.waiting": Case(size=2_000, fills={"{run_id}": str(scenario.run_id)}),
        "doctor.store.server": case(ONE),
        "doctor.store.has_schema": case(ONE),
        "doctor.store.revision": case(ONE),
        "doctor.store.lacking_rights": case(100),  # of the tables there are, system tables too
        "doctor.store.old_open_runs": case(20, hours=24, limit=10),
        "preview.quiet_hours.moment": case(ONE, at=None),
        "preview.quiet_hours.opens_at": case(ONE, quiet_hours="{[0,1000)}", zone="UTC", at=scenario.now, open_s=60.0),
        "ledger.stock_forecast.compact_stock": case(scenario.people // 100),
        "ledger.stock_forecast.count_demand": case(RUN),
        "ledger.stock_forecast.weigh": case(ONE, at=None),
        "ledger.stock_forecast.skip_without_code": case(RUN, shortfall=100),
        "ledger.stock_forecast.keep_forecast": case(ONE, forecast="{}", stock_policy="fail"),
    }


def _calls(scenario: Scenario) -> dict[str, Case]:
    receiver = {"receiver": "one", "name": "one", "holder": "me"}
    tokens = {"grace_s": 1.0, "span_s": 1.0, "within_s": 60.0, "seconds": 1.0}
    slots = {"concurrency": 8, "wanted": 2, "in_use": 1, "hold_s": 60.0}
    calls = {
        "failed": 1,
        "succeeded": 0,
        "limit": 5,
        "cool_s": 60.0,
        "opens": False,
        "for_good": False,
        "reason": "down",
    }
    message = {
        "keys": [scenario.session_id],
        "contact_ids": [7],
        "channels": ["mobilepush"],
        "locators": ["token-7"],
        "titles": [""],
        "bodies": ["Hi"],
        "htmls": [""],
    }
    known = ("delivery.throttle.rate_limit_store.know_receiver", receiver)
    receiver_known = ("delivery.throttle.breaker_store.know_receiver", receiver)
    return {
        "delivery.throttle.rate_limit_store.know_receiver": case(ONE, **receiver),
        "delivery.throttle.rate_limit_store.lease_tokens": case(ONE, known, **receiver, **tokens),
        "delivery.throttle.rate_limit_store.back_off": case(ONE, known, **receiver, **tokens),
        "delivery.throttle.rate_limit_store.read_back_off": case(ONE, known, **receiver),
        "delivery.throttle.rate_limit_store.renew_slots": case(ONE, known, **receiver, **slots),
        "delivery.throttle.rate_limit_store.release_slots": case(ONE, known, **receiver),
        "delivery.throttle.breaker_store.know_receiver": case(ONE, **receiver),
        "delivery.throttle.breaker_store.admit": case(ONE, receiver_known, **receiver, probe_s=60.0),
        "delivery.throttle.breaker_store.give_probe_back": case(
            ONE, receiver_known, **receiver, probe_until=scenario.now
        ),
        "delivery.throttle.breaker_store.report_calls": case(ONE, receiver_known, **receiver, **calls),
        "delivery.transports.inbox.keep_messages": case(ONE, **message),
        "delivery.transports.inbox.known_keys": case(ONE, **message),
        "delivery.transports.inbox.read_messages": case(20),
        "delivery.transports.inbox.messages_before": case(20, key=scenario.session_id),
        "delivery.transports.inbox.message_of_key": case(ONE, key=scenario.session_id),
        "delivery.transports.inbox.read_messages_of_contact": case(20),
    }


def _monitoring() -> dict[str, Case]:
    found = {"kinds": ["run_stuck"], "found_kinds": ["run_stuck"], "subjects": ["present/1"]}
    return {
        "monitoring.measure.count_unknown": case(RUN),
        "monitoring.measure.count_circuits": case(ONE),
        "monitoring.measure.count_events": case(BATCH),
        "monitoring.measure.measure_open_runs": case(RUN),
        "monitoring.receiver_states.list_receivers": case(ONE),
        "monitoring.receiver_states.newest_failures": case(2_000, looked_at=2_000, limit=200),
        "monitoring.alerts.read_refusing": case(ONE),
        "monitoring.alerts.count_unknown_by_run": case(RUN, over=100),
        "monitoring.alerts.read_told": case(ONE, **found),
        "monitoring.alerts.forget_alerts": case(ONE, **found),
        "monitoring.alerts.note_told": case(ONE, kind="run_stuck", subject="present/1"),
    }


def _background(scenario: Scenario) -> dict[str, Case]:
    named = {"kind": "dry run", "subject": "welcome", "actor": "ops", "terms": "{}"}
    begun = ("postgres.background_jobs.begin_job", named)
    told = {"job_id": 1, "done": 1, "result": "{}", "problem": None}
    part = {"part": 0, "send": 1, "skipped": 1, "rejected": 0, "contacts": "[]", "limit": 4}
    kept = _KEPT_JOB, _KEPT_PARTS
    job = {"job_id": 1}
    return {
        "postgres.background_jobs.end_lost": case(ONE, begun, **named, silent_s=60.0),
        "postgres.background_jobs.begin_job": case(ONE, **named),
        "postgres.background_jobs.forget_jobs": case(ONE, begun, **named, keep_s=60.0),
        "postgres.background_jobs.tell_alive": case(ONE, begun, **told),
        "postgres.background_jobs.finish_job": case(ONE, begun, **told),
        "postgres.background_jobs.read_job": case(ONE, begun, kind="dry run", token=scenario.session_id),
        "postgres.background_jobs.newest_job": case(ONE, begun, **named),
        "postgres.background_jobs.newest_finished": case(ONE, begun, **named),
        "preview.kept_dry_run.keep_part": case(ONE, kept[0], **{**part, **job}),
        "preview.kept_dry_run.count_parts": case(BATCH, *kept, **job),
        "preview.kept_dry_run.read_parts": case(4, *kept, **{**part, **job}),
        "preview.kept_dry_run.read_parts_to_send": case(4, *kept, **{**part, **job}),
        "preview.kept_dry_run.read_parts_skipped": case(4, *kept, **{**part, **job}),
        "preview.kept_dry_run.read_parts_rejected": case(4, *kept, **{**part, **job}),
    }
