"""A preview tells the truth about Start: what it refuses, and what it opens although somebody should know better."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import PUSH, SPEC, add_codes, add_contacts
from integration.test_before_the_send import CONTEXT, include  # noqa: F401  (a fixture)
from integration.test_preview_weighs import CONTEXT as PREVIEW_CONTEXT
from integration.test_preview_weighs import previewing
from promo_campaigns.cli import main
from promo_campaigns.contacts.erasure import erase_contact
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.opening.start import StartRequest
from promo_campaigns.ledger.reports import read_report
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.audience.lists import AudienceList
from promo_campaigns.model.errors import PromoError, StartRefusedError
from promo_campaigns.model.forecast import StockPolicy
from promo_campaigns.model.limits import Limits
from promo_campaigns.model.run import Mode
from promo_campaigns.model.run_spec import NOBODY_IS_SENT, Audience
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.preview.approval_form import approval_form
from promo_campaigns.preview.dry_run import write_preview

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.preview.rows import PreviewReport

KEY = "welcome/edition/one"
SPEC = replace(SPEC, data_sources=())
STRANGERS = Audience(
    name="vip", list_sha256="0", listed=AudienceList(by="externalId", values=("c-1", "000C-1", "NOBODY"), sha256="0")
)


def look(store: Connection, spec: RunSpec = SPEC, **start: Any) -> PreviewReport:  # noqa: ANN401  (of a StartRequest)
    return write_preview(store, CompiledCampaign(spec), [], start=StartRequest(**start))


def none_of_the_list(_: Connection) -> tuple[RunSpec, dict[str, Any]]:
    return replace(SPEC, audience=STRANGERS), {}


def too_few_codes(store: Connection) -> tuple[RunSpec, dict[str, Any]]:
    add_contacts(store, 3)
    add_codes(store, 2)
    return SPEC, {}


def a_zone_of_nowhere(_: Connection) -> tuple[RunSpec, dict[str, Any]]:
    return replace(SPEC, limits=Limits(quiet_hours="mon-sun 21:00-09:00", time_zone="Mars/Olympus")), {}


def another_message(store: Connection) -> tuple[RunSpec, dict[str, Any]]:
    open_run(store, SPEC, run_key=KEY)
    return replace(SPEC, message=replace(PUSH, title="Other")), {}


def a_closed_run(store: Connection) -> tuple[RunSpec, dict[str, Any]]:
    close_run(store, open_run(store, SPEC, run_key=KEY).run_id)
    return SPEC, {"mode": Mode.REFUSE}


@pytest.mark.parametrize(
    "broken",
    [none_of_the_list, too_few_codes, a_zone_of_nowhere, another_message, a_closed_run],
    ids=lambda f: f.__name__,
)
def test_whatever_start_refuses_a_preview_says_in_the_same_words(store: Connection, broken: Any) -> None:  # noqa: ANN401
    spec, how = broken(store)
    report = look(store, spec, run_key=KEY, **how)
    with pytest.raises(PromoError) as refused:
        open_run(store, spec, run_key=KEY, **how)
    assert report.refusals == [str(refused.value)]


def test_what_start_opens_a_preview_does_not_refuse(store: Connection) -> None:
    add_contacts(store, 3)
    add_codes(store, 3)
    assert look(store, run_key=KEY).refusals == []
    open_run(store, SPEC, run_key=KEY)


@pytest.mark.parametrize("policy", [StockPolicy.PARTIAL, StockPolicy.WAIT])
def test_a_run_that_makes_do_with_too_few_codes_is_not_refused_and_says_so(
    store: Connection, policy: StockPolicy
) -> None:
    add_contacts(store, 3)
    add_codes(store, 1)
    report = look(store, stock_policy=policy)
    assert report.refusals == []
    assert [note for note in report.notes if note.startswith("2 codes short")]


def test_ids_of_a_list_that_are_nobody_are_counted_before_the_run_and_in_its_report(store: Connection) -> None:
    (one,) = add_contacts(store, 1)
    store.execute("update promo.contact set external_id = 'c-1' where contact_id = %s", [one])
    add_codes(store, 1)
    spec = replace(SPEC, audience=STRANGERS)
    report = look(store, spec)
    assert (report.contacts, report.strangers) == (1, 2)
    assert "2 of the ids that the audience lists are nobody's" in report.notes
    run = open_run(store, spec, run_key=KEY)
    told = read_report(store, run.run_id)
    assert (told.tally.audience, told.strangers) == (1, 2)
    assert "| ids that are nobody's | 2 |" in told.as_markdown().splitlines()
    assert write_preview(store, CompiledCampaign(run.spec), [], run_id=run.run_id).strangers == 2


@pytest.mark.parametrize(
    ("by", "values"), [("contactId", ["{}", "999999"]), ("mobilepush", ["token-{}", "nobody-of-all", "token-0"])]
)
def test_strangers_are_counted_by_every_kind_of_list(store: Connection, by: str, values: list[str]) -> None:
    (who,) = add_contacts(store, 1)
    listed = AudienceList(by=by, values=tuple(value.format(who) for value in values), sha256="0")
    spec = replace(SPEC, audience=Audience(name="vip", list_sha256="0", listed=listed))
    assert look(store, spec).strangers == len(values) - 1
    assert look(store, replace(SPEC, audience=Audience(name="ids", contact_ids=(who, 4711)))).strangers == 1


def test_whom_a_select_names_is_counted_where_the_store_does_not_know_them(store: Connection) -> None:
    """External ids that a left join finds nobody for, ids of another system; who was erased is no stranger."""
    one, erased = add_contacts(store, 2)
    store.execute("update promo.contact set external_id = 'c-1' where contact_id = %s", [one])
    erase_contact(store, erased)
    add_codes(store, 1)
    select = (
        "select c.contact_id from (values ('c-1'), ('c-1'), ('000c-1'), ('nobody')) named (id)"
        " left join promo.contact c on c.external_id = named.id"
        " union all select unnest(array[4711, 4711, ERASED])".replace("ERASED", str(erased))
    )
    spec = replace(SPEC, audience=Audience(name="vip", sql=select))
    report = look(store, spec)
    assert (report.contacts, report.strangers) == (1, 3)
    assert "3 of the ids that the audience lists are nobody's" in report.notes
    run = open_run(store, spec, run_key=KEY)
    told = read_report(store, run.run_id)
    assert (told.tally.audience, told.strangers) == (1, 3)


def test_an_empty_audience_is_said_before_the_run_and_in_its_report(store: Connection) -> None:
    said = "the audience is empty: nobody is sent anything"
    assert said in look(store).notes
    run = open_run(store, SPEC, run_key=KEY)
    close_run(store, run.run_id)
    assert said in read_report(store, run.run_id).as_markdown()


def test_a_campaign_by_the_inbox_says_everywhere_that_nobody_is_sent_anything(store: Connection) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    run = open_run(store, SPEC, run_key=KEY)
    report = write_preview(store, CompiledCampaign(run.spec), [], run_id=run.run_id)
    assert NOBODY_IS_SENT in look(store).notes
    assert NOBODY_IS_SENT in approval_form(run.spec, KEY, report, {})[1]
    assert NOBODY_IS_SENT in read_report(store, run.run_id).as_markdown()
    real = replace(SPEC, transport="smtp", transport_conn_id="mail")
    assert NOBODY_IS_SENT not in look(store, real).notes


def test_two_messages_are_shown_and_one_of_a_contact_that_lacks_something(store: Connection) -> None:
    """Neither holds a code or an address; the approval form shows them as text, whatever is in them."""
    contacts = add_contacts(store, 5)
    store.execute("update promo.contact set first_name = null where contact_id = %s", [contacts[3]])
    codes = add_codes(store, 5, prefix="CANARY")
    body = "Code: $promocode <b>$!first_name</b>\nto $contact_unique_identifier"
    spec = replace(SPEC, message=replace(PUSH, body=body))
    report = look(store, spec)
    assert [example.contact_id for example in report.examples] == [contacts[0], contacts[3]]
    assert report.examples[0].body.startswith("Code: TEST-NO-CODE <b>Name 1</b>\nto t…")
    shown = approval_form(spec, KEY, report, {})[1]
    assert "Name 1" in shown
    assert "<b>" not in shown
    assert "token-" not in shown + str(report.examples)
    assert not [code for code in codes if code in shown]
    assert "examples" not in report.as_dict(), "what is kept in Airflow is counts"


def test_the_command_says_that_start_will_refuse_and_ends_with_1(
    store: Connection,
    include: Path,  # noqa: F811  (the fixture)
    dsn: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add_contacts(store, 221)
    add_codes(store, 200)
    pool = ["--message", "push", "--audience", "all", "--type", "Welcome", "--discount", "10", "--days", "7"]
    where = ["--include", str(include), "--dsn", dsn]
    assert main(["preview", *pool, *where]) == 1
    said = capsys.readouterr().out
    assert "Start will refuse: the pool 'Welcome' with discount 10 holds 200 free codes" in said
    assert "221 are needed: 21 short" in said
    assert "to contact 1:\n  Hi\n  \n  Code: TEST-NO-CODE\n" in said
    assert NOBODY_IS_SENT in said
    assert main(["preview", *pool, *where, "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["examples"]) == 2
    add_codes(store, 21, prefix="MORE")
    assert main(["preview", *pool, *where]) == 0
    assert "refuse" not in capsys.readouterr().out.replace("refusals", "")


def test_the_command_weighs_the_connection_of_a_data_source_where_it_knows_it(
    store: Connection,
    include: Path,  # noqa: F811  (the fixture)
    dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    (include / "data_sources").mkdir()
    (include / "data_sources" / "crm.yaml").write_text(
        "method: POST\nconnection: crm\npath: /x\nformat: text\nbody: 'x'\n"
    )
    (include / "messages" / "push.yaml").write_text(
        "channel: mobilepush\nbody: |\n  #set($url = $!data.get('crm'))\n  $promocode\n"
    )
    pool = ["--message", "push", "--audience", "all", "--type", "Welcome", "--discount", "10", "--days", "7"]
    where = ["--include", str(include), "--dsn", dsn, "--json"]
    assert main(["preview", *pool, *where]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "the data source crm is not weighed: its connection crm is not known here" in notes
    monkeypatch.setenv("AIRFLOW_CONN_CRM", "http://crm.example.com/?time_out=3")
    assert main(["preview", *pool, *where]) == 2
    assert "data_sources/crm.yaml:2" in capsys.readouterr().err


def test_a_dry_run_that_start_would_refuse_fails_once_it_is_written(
    store: Connection,
    include: Path,  # noqa: F811  (the fixture)
) -> None:
    add_contacts(store, 3)
    add_codes(store, 1)
    start = StartOperator(
        task_id="start",
        workflow="welcome",
        message="push",
        audience="all",
        type="Welcome",
        discount=10,
        days=7,
        preview_only=True,
        include_folder=str(include),
        preview_folder=str(include / "previews"),
    )
    for block, context in ((start, CONTEXT), (previewing(include), PREVIEW_CONTEXT)):
        with pytest.raises(StartRefusedError, match=r"Start will refuse: .* 2 short; .* The preview lies in .*\.csv"):
            block.execute(context)
    assert list((include / "previews").glob("*.csv"))
    assert "states" in previewing(include, stock="partial").execute(PREVIEW_CONTEXT)
