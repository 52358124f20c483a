"""Everyday mistakes, each made for real: what is typed or run, and what is seen then."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException
from psycopg import sql

from command_line import PROMO, environment
from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.delivery.batch_payload import NO_RUN
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import close_run, open_run
from promo_campaigns.model.audience.lists import AudienceList
from promo_campaigns.model.errors import PromoError
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.upkeep.watch import WatchCampaignsOperator
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    import pytest

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

    Mistake: TypeAlias = Callable[["Scenario"], str]

CASES = Path(__file__).parents[1] / "data" / "cases"
SAMPLE = Path(__file__).parents[2] / "include"
MISTAKES: dict[str, Mistake] = {}
"""The mistakes by their headings in docs/troubleshooting.md; each returns what is seen."""
HEADER = "code,expirationDate,discount,type,inUse\n"
SOURCE = 'connection: shop\npath: /c\nbody: |\n  {"who": "$contact_unique_identifier"}\n'


@dataclass
class Scenario:
    """What a mistake is made in."""

    dsn: str
    empty_dsn: str
    store: Connection
    folder: Path
    receiver: Receiver
    capsys: pytest.CaptureFixture[str] = field(init=False)
    monkeypatch: pytest.MonkeyPatch = field(init=False)
    statuses: list[int] = field(default_factory=list)

    def promo(self, *words: str, dsn: str | None = None) -> str:
        """Run the command and return what it printed.

        :param dsn: by default that of the store; empty for none at all
        """
        with_store = [] if words[0] == "workflows" or dsn == "" else ["--dsn", self.dsn if dsn is None else dsn]
        self.statuses.append(main([*words, *with_store]))
        shown = self.capsys.readouterr()
        return shown.out + shown.err

    def file(self, name: str, text: str | bytes) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def call_source(self, host: str = "127.0.0.1", port: int | None = None) -> str:
        """Send a request of a data source to a host, and return what is printed."""
        self.file("data_sources/s.yaml", SOURCE)
        [contact] = add_contacts(self.store, 1)
        extra = "__extra__=%7B%22allow_insecure%22%3A%20true%2C%20%22allow_private%22%3A%20true%7D"
        uri = f"promo-http://me:key@{host}:{self.receiver.port if port is None else port}?{extra}"
        self.monkeypatch.setenv("AIRFLOW_CONN_SHOP", uri)
        words = ["data-source", "test", "s", "--include", str(self.folder), "--contact", str(contact), "--send"]
        return self.promo(*words)

    def workflow(self, **changed: str) -> str:
        """Check the sample workflow with texts of its files changed, and return what is printed."""
        for name in ("workflows/welcome_push.yaml", "messages/promo_push.yaml"):
            text = (SAMPLE / name).read_text(encoding="utf-8")
            for old, new in changed.items():
                text = text.replace(old.replace("__", ": "), new)
            self.file(name, text)
        for name in ("data_sources/promo_to_profile.yaml", "audiences/with_push_token.sql"):
            self.file(name, (SAMPLE / name).read_bytes())
        return self.promo("workflows", "check", "--include", str(self.folder))


def mistake(heading: str) -> Callable[[Mistake], Mistake]:
    """Register a mistake under its heading."""

    def register(make: Mistake) -> Mistake:
        MISTAKES[heading] = make
        return make

    return register


def _told(run: Callable[[], object]) -> str:
    """Return the error of a block, which its log ends with."""
    try:
        run()
    except PromoError as error:
        return str(error)
    return ""


def _at(dsn: str, **parts: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(**parts))


def _as(dsn: str, account: str, password: str) -> str:
    there = urlsplit(dsn)
    return _at(dsn, netloc=f"{account}:{password}@{there.hostname}:{there.port}")


# The store


@mistake("The store is down, or its address is wrong")
def _store_down(scenario: Scenario) -> str:
    return scenario.promo("codes", "stock", dsn="postgresql://promo@127.0.0.1:1/promo")


@mistake("The password of the store is wrong")
def _wrong_password(scenario: Scenario) -> str:
    return scenario.promo("codes", "stock", dsn=_as(scenario.dsn, str(urlsplit(scenario.dsn).username), "wrong"))


@mistake("The database does not exist")
def _no_database(scenario: Scenario) -> str:
    return scenario.promo("codes", "stock", dsn=_at(scenario.dsn, path="/promo_nowhere"))


@mistake("The migration was not done")
def _no_migration(scenario: Scenario) -> str:
    return scenario.promo("codes", "stock", dsn=scenario.empty_dsn)


@mistake("No store is named")
def _no_store(scenario: Scenario) -> str:
    scenario.monkeypatch.chdir(scenario.folder)
    return scenario.promo("codes", "stock", dsn="")


@mistake("The account of the store lacks a right")
def _no_right(scenario: Scenario) -> str:
    name = sql.Identifier(urlsplit(scenario.dsn).path[1:])
    scenario.store.execute("create role reader_only login password 'reader'")
    try:
        scenario.store.execute(sql.SQL("grant connect on database {} to reader_only").format(name))
        scenario.store.execute("grant usage on schema promo to reader_only")
        return scenario.promo("codes", "stock", dsn=_as(scenario.dsn, "reader_only", "reader"))
    finally:
        scenario.store.execute(sql.SQL("revoke all on database {} from reader_only").format(name))
        scenario.store.execute("revoke all on schema promo from reader_only; drop role reader_only")


# Files


@mistake("The file is not where it is looked for")
def _no_file(scenario: Scenario) -> str:
    return scenario.promo("codes", "load", str(scenario.folder / "codes.csv"))


@mistake("The file is of the wrong kind")
def _wrong_kind(scenario: Scenario) -> str:
    return scenario.promo("codes", "load", scenario.file("codes.csv", b"%PDF-1.7\n\x00\x01\xff\xfe binary"))


@mistake("The workbook is protected by a password")
def _protected(scenario: Scenario) -> str:
    return scenario.promo("codes", "load", str(CASES / "f25c-protected.xlsx"))


@mistake("The file has no column of codes")
def _no_code_column(scenario: Scenario) -> str:
    text = "coupon,expirationDate,discount,type\nA-1,2030-01-31,10,Welcome\n"
    return scenario.promo("codes", "load", scenario.file("codes.csv", text))


@mistake("Every row is rejected")
def _all_rejected(scenario: Scenario) -> str:
    return scenario.promo("codes", "load", str(CASES / "f10-all-rejected.csv"))


@mistake("A spreadsheet has damaged the codes")
def _damaged(scenario: Scenario) -> str:
    text = "1.2E+17,2030-01-31,10,Welcome,no\nOK-1,2030-01-31,10,Welcome,no\n"
    return scenario.promo("codes", "load", scenario.file("codes.csv", HEADER + text))


@mistake("The same file is loaded twice")
def _twice(scenario: Scenario) -> str:
    file = scenario.file("codes.csv", HEADER + "TWICE-1,2030-01-31,10,Welcome,no\n")
    return scenario.promo("codes", "load", file) and scenario.promo("codes", "load", file)


@mistake("The codes are over")
def _over(scenario: Scenario) -> str:
    return scenario.promo("codes", "load", scenario.file("codes.csv", HEADER + "OLD-1,2020-01-31,10,Welcome,no\n"))


@mistake("The time zone is none")
def _time_zone(scenario: Scenario) -> str:
    file = scenario.file("codes.csv", HEADER + "Z-1,2030-01-31,10,Welcome,no\n")
    return scenario.promo("codes", "load", file, "--time-zone", "Kiev")


@mistake("A contact file says of nobody who it is")
def _no_identity(scenario: Scenario) -> str:
    return scenario.promo("contacts", "load", scenario.file("contacts.csv", "firstName,lastName\nAda,Lovelace\n"))


@mistake("A column of a contact file is not known")
def _unknown_column(scenario: Scenario) -> str:
    return scenario.promo("contacts", "load", scenario.file("contacts.csv", "externalId,e-mial\n1,a@example.com\n"))


@mistake("The disk is full")
def _disk_full(scenario: Scenario) -> str:
    command = [*PROMO, "codes", "stock", "--dsn", scenario.dsn]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False)
    scenario.statuses.append(done.returncode)
    return done.stderr.decode()


# Workflows


@mistake("The YAML is wrong")
def _yaml(scenario: Scenario) -> str:
    return scenario.workflow(message__="message: [")


@mistake("A setting is misspelt")
def _setting(scenario: Scenario) -> str:
    return scenario.workflow(send_by__="sendby: ")


@mistake("The message has another name")
def _message_name(scenario: Scenario) -> str:
    return scenario.workflow(message__promo_push="message: promo_pusj")


@mistake("The audience has another name")
def _audience_name(scenario: Scenario) -> str:
    return scenario.workflow(with_push_token="with_push_tokens")


@mistake("A text reads a name that nothing has")
def _name(scenario: Scenario) -> str:
    return scenario.workflow(**{"$first_name": "$frist_name"})


@mistake("A text has a merge tag of another product")
def _merge_tag(scenario: Scenario) -> str:
    return scenario.workflow(**{"$!data.get('promocode')": "*|COUPON|*"})


@mistake("The message never shows the code")
def _no_code(scenario: Scenario) -> str:
    return scenario.workflow(**{"Your promo code: $!data.get('promocode')": "Hello"})


@mistake("A workflow is asked for by another name")
def _workflow_name(scenario: Scenario) -> str:
    scenario.workflow()
    return scenario.promo("workflows", "check", "welcome_psh", "--include", str(scenario.folder))


@mistake("A command is misspelt")
def _command(scenario: Scenario) -> str:
    return scenario.promo("cods", "stock")


# Runs


@mistake("There are not enough codes")
def _too_few(scenario: Scenario) -> str:
    add_contacts(scenario.store, 5)
    add_codes(scenario.store, 2)
    return _told(lambda: open_welcome(scenario.store))


@mistake("The audience is empty")
def _empty(scenario: Scenario) -> str:
    add_codes(scenario.store, 2)
    open_welcome(scenario.store)
    return scenario.promo("runs", "report", "welcome/edition/one")


@mistake("An audience lists ids of nobody")
def _strangers(scenario: Scenario) -> str:
    [contact] = add_contacts(scenario.store, 1)
    add_codes(scenario.store, 1)
    listed = AudienceList(by="contactId", values=(str(contact), "777777", "888888"), sha256="0" * 64)
    spec = replace(SPEC, audience=Audience(name="vip", listed=listed))
    open_welcome(scenario.store, spec=spec)
    return scenario.promo("runs", "report", "welcome/edition/one")


@mistake("Two campaigns take codes from one pool")
def _one_pool(scenario: Scenario) -> str:
    add_contacts(scenario.store, 3)
    add_codes(scenario.store, 4)
    open_welcome(scenario.store)
    return _told(lambda: open_welcome(scenario.store, "welcome/edition/two"))


@mistake("The definition was changed after the run was opened")
def _changed(scenario: Scenario) -> str:
    add_contacts(scenario.store, 1)
    add_codes(scenario.store, 1)
    open_welcome(scenario.store)
    other = replace(SPEC, message=replace(SPEC.message, title="Another"))
    return _told(lambda: open_run(scenario.store, other, run_key="welcome/edition/one"))


@mistake("The tasks of a run were killed half-way")
def _half_way(scenario: Scenario) -> str:
    add_contacts(scenario.store, 2)
    add_codes(scenario.store, 2)
    run = open_welcome(scenario.store)
    return _told(lambda: close_run(scenario.store, run.run_id))


@mistake("A run is asked for by another key")
def _run_key(scenario: Scenario) -> str:
    open_welcome(scenario.store, "welcome/edition/spring")
    return scenario.promo("runs", "report", "welcome/edition/sprng")


@mistake("A contact is asked for by another id")
def _contact_id(scenario: Scenario) -> str:
    return scenario.promo("contacts", "show", "99999999")


# Receivers


@mistake("The key of the receiver is wrong")
def _wrong_key(scenario: Scenario) -> str:
    scenario.receiver.answer = lambda _: Answer(status=401, body=b'{"error": "unknown key"}')
    return scenario.call_source()


@mistake("The receiver is down")
def _receiver_down(scenario: Scenario) -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    return scenario.call_source(port=port)


@mistake("The host of the receiver is wrong")
def _wrong_host(scenario: Scenario) -> str:
    return scenario.call_source(host="nobody.invalid")


@mistake("The connection of a receiver is missing")
def _no_connection(scenario: Scenario) -> str:
    scenario.file("data_sources/s.yaml", SOURCE)
    [contact] = add_contacts(scenario.store, 1)
    words = ["data-source", "test", "s", "--include", str(scenario.folder), "--contact", str(contact), "--send"]
    return scenario.promo(*words)


@mistake("A person has yet to approve the run")
def _not_approved(scenario: Scenario) -> str:
    contacts = add_contacts(scenario.store, 1)
    add_codes(scenario.store, 1)
    run = open_run(scenario.store, SPEC, run_key="welcome/edition/one", approval=True)
    return _told(lambda: PostgresLedger(scenario.store).assign_codes(run.run_id, contacts, CODES))


# Airflow


@mistake("A dry run sent nothing")
def _dry_run(scenario: Scenario) -> str:
    scenario.monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", scenario.dsn)
    context: Any = {}
    try:
        EndOperator(task_id="end", run_id=NO_RUN).execute(context)
    except AirflowSkipException as told:
        return str(told)
    return ""


@mistake("The connection of the store is missing in Airflow")
def _no_store_connection(scenario: Scenario) -> str:
    scenario.monkeypatch.delenv("AIRFLOW_CONN_PROMO_DB", raising=False)
    context: Any = {}
    try:
        WatchCampaignsOperator(task_id="watch").execute(context)
    except AirflowNotFoundException as told:
        return str(told)
    return ""


@mistake("The DAG that answers events is paused")
def _paused(scenario: Scenario) -> str:
    listen(scenario.store, workflow="promo_code_on_event", type_name="OrderPaid")
    [contact] = add_contacts(scenario.store, 1)
    scenario.store.execute(
        "with e as (insert into promo.event (type, contact_id, token) values ('OrderPaid', %s, gen_random_uuid())"
        " returning event_id, contact_id)"
        " insert into promo.event_queue (event_id, workflow, contact_id, received_at)"
        " select event_id, 'promo_code_on_event', contact_id, now() - interval '2 hours' from e on conflict do nothing",
        [contact],
    )
    return _watch(scenario)


@mistake("A run stands still")
def _stuck(scenario: Scenario) -> str:
    add_contacts(scenario.store, 2)
    add_codes(scenario.store, 2)
    open_welcome(scenario.store)
    scenario.store.execute(
        "create or replace function promo.clock() returns timestamptz language sql stable as"
        " $$ select now() + interval '2 hours' $$"
    )
    return _watch(scenario)


def _watch(scenario: Scenario) -> str:
    scenario.monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", scenario.dsn)
    context: Any = {}
    WatchCampaignsOperator(task_id="watch").execute(context)
    shown = scenario.capsys.readouterr()
    return shown.out + shown.err
