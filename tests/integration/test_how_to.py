"""Each page of docs/how-to and docs/operate is done from an empty folder to what it shows at its end."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import AuthResult

from contract.stages import SECRET, MailServer, key_file, running_mail_server
from databases import database_of, new_database
from doc_pages import DOCS, ROOT, page_text, texts
from integration.page_walk import LOCAL, Walk
from integration.profile_server import serving
from promo_campaigns.ledger.invariants import check_invariants
from receiver import Answer
from reference_pages import tables_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection
    from receiver import Received, Receiver

PAGES = sorted(
    page
    for page in (
        path.relative_to(DOCS).as_posix()
        for room in ("start", "how-to", "operate")
        for path in (DOCS / room).glob("*.md")
    )
    if texts(page, "text")
)
ELSEWHERE = {
    "how-to/own-blocks.md": "tests/system/test_own_blocks.py",
    "how-to/own-transport.md": "tests/line_transport.py",
}
"""Pages of docs/how-to that another test runs."""


def answer(request: Received) -> Answer:
    """Answer as Firebase's servers and a gateway do that hangs up on Ben."""
    if request.path == "/token":
        return Answer(body=json.dumps({"access_token": SECRET, "expires_in": 3600}).encode())
    if "messages:send" in request.path:
        return Answer(body=b'{"name": "m/1"}')
    if request.path.endswith("/points"):
        return Answer(body=b'{"points": 250}')
    return Answer(drop=b'"380509999999"' in request.body)


@pytest.fixture(scope="module")
def mail_server() -> Iterator[tuple[MailServer, int]]:
    """Return a mail server, and its port."""
    server = MailServer()

    def let_in(*_: object) -> AuthResult:
        return AuthResult(success=True)

    with running_mail_server(server, authenticator=let_in, auth_require_tls=False) as port:
        yield server, port


@pytest.fixture
def walk(  # noqa: PLR0913, PLR0917  (one fixture a server)
    dsn: str,
    postgres_server: str,
    store: Connection,
    receiver: Receiver,
    mail_server: tuple[MailServer, int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Walk]:
    """Return a reader in an empty folder."""
    receiver.answer = answer
    here = ("127.0.0.1", receiver.port)
    firebase: dict[str, Any] = {"conn_type": "promo_http", "host": receiver.url, "extra": LOCAL}
    with ExitStack() as servers:

        def make_database() -> str:
            return database_of(dsn, servers.enter_context(new_database(postgres_server, "promo_restored")))

        yield Walk(
            tmp_path,
            dsn,
            store,
            capsys,
            monkeypatch,
            places={
                "smtp.shop.example": ("localhost", mail_server[1]),
                "sms.shop.example": here,
                "api.shop.example": here,
                "crm.shop.example": here,
            },
            connections={
                "promo_db": dsn,
                "promo_fcm": json.dumps(firebase | {"password": key_file(f"{receiver.url}/token")}),
            },
            serve=lambda: servers.enter_context(serving(dsn)),
            make_database=make_database,
        )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_from_an_empty_folder_to_what_it_shows(page: str, walk: Walk, store: Connection) -> None:
    walk.take(page)
    assert walk.compared, "the page shows nothing that a test could compare"
    assert check_invariants(store) == []


def test_each_how_to_is_done_in_a_test() -> None:
    pages = {path.relative_to(DOCS).as_posix() for path in (DOCS / "how-to").glob("*.md")}
    assert pages == {page for page in PAGES if page.startswith("how-to/")} | {*ELSEWHERE}
    for page, test in ELSEWHERE.items():
        assert page in (ROOT / test).read_text(encoding="utf-8"), test


def test_the_page_of_tables_is_that_of_the_store(store: Connection) -> None:
    assert page_text("reference/tables.md") == tables_page(store), "run: python tests/reference_pages.py"
