"""``promo data-source test``: what it shows, what it hides, and that it sends only when told to."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.scenario import CODES, add_codes, add_contacts, free_codes, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.code_files.load import load_code_file
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.model.errors import CodeFileRejectedError
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.redaction import redacted, secret_forms
from receiver import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

SECRET = "canary/of the+receiver"


@pytest.fixture
def try_source(
    dsn: str, tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Return a function that runs the command on a data source and returns its status and what it printed."""
    (tmp_path / "data_sources").mkdir()

    def run(text: str, *arguments: str, **extra: object) -> tuple[int, str]:
        (tmp_path / "data_sources/s.yaml").write_text(f"connection: shop\n{text}", encoding="utf-8")
        extras = json.dumps({"allow_insecure": True, "allow_private": True, **extra})
        uri = f"promo-http://me:{quote(SECRET, safe='')}@127.0.0.1:{receiver.port}?__extra__={quote(extras)}"
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", uri)
        status = main(["data-source", "test", "s", "--include", str(tmp_path), "--dsn", dsn, *arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


BODY = 'path: /c/$external_id\nbody: |\n  {"who": "$contact_unique_identifier", "code": "$promocode"}\n'


def test_it_shows_the_request_and_sends_nothing(
    store: Connection, receiver: Receiver, try_source: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    store.execute("update promo.contact set external_id = 'a/b'")
    status, shown = try_source(BODY, "--contact", str(who))
    assert status == 0
    assert shown.startswith(f"POST http://127.0.0.1:{receiver.port}/c/a%2Fb\nAuthorization: ***\n")
    assert f'{{"who": "token-{who}", "code": "{PLACEHOLDER}"}}' in shown
    assert receiver.received == []


@pytest.mark.parametrize("locator", ["+380501234567", "+38 (050) 123-45-67", "anna.k@mail.example"])
def test_an_address_or_number_is_masked_in_the_request_and_in_the_answer(
    store: Connection, receiver: Receiver, try_source: Callable[..., tuple[int, str]], locator: str
) -> None:
    (who,) = add_contacts(store, 1, channel="sms")
    store.execute("update promo.contact set external_id = 'x'")
    store.execute("update promo.contact_channel set value = %s", [locator])
    digits = "".join(letter for letter in locator if letter.isdigit()) or locator
    receiver.answer = lambda _: Answer(body=json.dumps({"to": locator, "number": digits}).encode())
    status, shown = try_source(BODY, "--contact", str(who), "--send")
    assert status == 0
    assert locator not in shown
    assert digits not in shown
    assert locator in receiver.received[0].body.decode()


def test_it_sends_when_told_to_and_shows_the_answer_with_codes_masked_and_secrets_hidden(
    store: Connection, receiver: Receiver, try_source: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    store.execute("update promo.contact set external_id = 'x'")
    (code,) = add_codes(store, 1, prefix="REALCODE")
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, [who], CODES)
    receiver.answer = lambda request: Answer(
        body=json.dumps(
            {"code": code, "echo": request.headers["Authorization"], "key": SECRET, "url": quote(SECRET)}
        ).encode()
    )
    status, shown = try_source(BODY, "--contact", str(who), "--send", auth="bearer")
    assert status == 0
    assert ": ok" in shown
    assert "REAL…" in shown
    assert code not in shown
    assert not any(form in shown for form in secret_forms(SECRET))
    assert receiver.received[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert code.encode() not in receiver.received[0].body
    assert free_codes(store) == 0


def test_a_key_in_the_query_is_hidden_and_sent(
    receiver: Receiver, tmp_path: Path, try_source: Callable[..., tuple[int, str]]
) -> None:
    path = tmp_path / "body.json"
    path.write_text('{"any": 1}', encoding="utf-8")
    status, shown = try_source(
        "path: /c?a=1\nbody: '{}'\n", "--body", str(path), "--send", auth="query", key_name="key"
    )
    assert status == 0
    assert "/c?a=1&key=***\n" in shown
    assert "canary" not in shown
    assert receiver.received[0].body == b'{"any": 1}'
    assert "canary" in receiver.received[0].path


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        ("https://no-such-host.invalid/", "the host's name was not found; look at the host"),
        ("https://127.0.0.1:1/?allow_private=true", "no connection: refused, nothing listens at this host and port"),
        ("https://127.0.0.1:{port}/?allow_private=true", "no connection: TLS failed"),
        ("http://127.0.0.1:{port}/?allow_private=true&allow_insecure=true", "HTTP 401; look at login, password"),
    ],
)
def test_why_nobody_answers_as_wished_is_told(
    receiver: Receiver, tmp_path: Path, try_source: Callable[..., tuple[int, str]], connection: str, told: str
) -> None:
    path = tmp_path / "body.json"
    path.write_text("{}", encoding="utf-8")
    receiver.answer = lambda _: Answer(status=401)
    status, shown = try_source(
        "path: /c\nbody: '{}'\n",
        *("--body", str(path), "--send", "--connection", connection.format(port=receiver.port)),
    )
    assert status == 1
    assert told in shown


def test_an_answer_that_is_no_success_is_a_status_of_its_own_and_a_long_one_is_cut(
    store: Connection, receiver: Receiver, try_source: Callable[..., tuple[int, str]]
) -> None:
    (who,) = add_contacts(store, 1)
    receiver.answer = lambda _: Answer(body=json.dumps({"ok": False, "long": "x" * 100_000}).encode())
    status, shown = try_source("path: /c\nbody: '{}'\nsuccess: $answer.ok\n", "--contact", str(who), "--send")
    assert status == 1
    assert "refused (the answer fails the success rule)" in shown
    assert len(shown) < 6000
    assert "more characters" in shown


@pytest.mark.parametrize(
    ("text", "arguments", "error"),
    [
        (BODY, ["--contact", "99"], "promo: there is no contact 99"),
        (BODY, ["--body", "no/such/file"], "promo: no/such/file cannot be read"),
        ("path: c\n", ["--contact", "1"], "promo: data_sources/s.yaml:2: 'path' must begin with a slash"),
        ('path: /c\nbody: \'{"n": "$nothing"}\'\n', ["--contact", "1"], "cannot be rendered: body: line 1"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    store: Connection, try_source: Callable[..., tuple[int, str]], text: str, arguments: list[str], error: str
) -> None:
    add_contacts(store, 1)
    store.execute("update promo.contact set external_id = 'x'")
    status, shown = try_source(text, *arguments)
    assert (status, error in shown, "Traceback" in shown) == (2, True, False)


def test_a_connection_nobody_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data_sources").mkdir()
    (tmp_path / "data_sources/s.yaml").write_text("connection: nowhere\npath: /c\n", encoding="utf-8")
    monkeypatch.delenv("AIRFLOW_CONN_NOWHERE", raising=False)
    assert main(["data-source", "test", "s", "--include", str(tmp_path), "--contact", "1"]) == 2
    assert "set AIRFLOW_CONN_NOWHERE, or give --connection" in capsys.readouterr().err


def test_the_code_of_a_test_can_be_in_no_code_file(store: Connection) -> None:
    text = f"code,expirationDate,discount,type,inUse\n{PLACEHOLDER},2039-12-31,10,Welcome,false\n"
    with pytest.raises(CodeFileRejectedError) as caught:
        load_code_file(store, io.BytesIO(text.encode()), name="codes.csv")
    assert caught.value.report.rejected_count == 1
    assert free_codes(store) == 0


@given(st.text('abcXYZ/+& "\\é', min_size=8), st.text("0123"), st.text("0123"))
def test_no_form_of_a_secret_is_left(secret: str, head: str, tail: str) -> None:
    for form in secret_forms(secret):
        assert redacted(f"{head}{form}{tail}", [secret]) == f"{head}***{tail}"
