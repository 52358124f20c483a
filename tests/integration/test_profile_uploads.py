"""Files of contacts by a link: fetched, read whole or refused, and imported in parts."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from integration.profile_server import UNSLOWED, contact, finished, serving
from promo_campaigns.contacts.store import create_field
from promo_campaigns.postgres.connection import connect
from promo_campaigns.profile_api.uploads import upload_routes
from receiver import Answer, Receiver, running_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

HEAD = "Email,SMS,First name,Language code,Timezone,City,ADDITIONAL.PROMO_CODE,Additional info"


@pytest.fixture
def client(dsn: str) -> Iterator[httpx.Client]:
    with connect(dsn) as connection:
        create_field(connection, "Promo code", "textfield", field_id=12345)
    with serving(dsn) as client:
        yield client


@pytest.fixture
def files() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


def holding(files: Receiver, *lines: str) -> str:
    """Let the server hold a file; return its link."""
    body = "\r\n".join(lines).encode()
    files.answer = lambda _: Answer(body=body)
    return f"{files.url}/contacts.csv"


def upload(client: httpx.Client, link: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON as a caller writes it)
    answer = client.post("/contacts/upload", json={"link": link, "dedupeOn": "email", **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert (told["valid"], told["importId"]) == (True, told["asyncSessionId"])
    return finished(client, told["importId"])


def refused(client: httpx.Client, link: str, **more: Any) -> str:  # noqa: ANN401  (the same)
    answer = client.post("/contacts/upload", json={"link": link, "dedupeOn": "email", **more})
    assert answer.status_code == 400, answer.text
    (error,) = answer.json()["errors"]
    return f"{error['place']}: {error['message']}"


def shown(client: httpx.Client, address: str) -> dict[str, Any]:
    (found,) = client.get("/contacts", params={"email": address, "full": "true"}).json()
    return dict(found)


def test_a_file_with_the_vendors_columns_is_imported(client: httpx.Client, files: Receiver) -> None:
    row = "ann@example.com,+380 50 123 45 67,Ann,uk,Europe/Kyiv,Lviv,SPRING-1,whatever"
    status = upload(client, holding(files, HEAD, row), groupNames=["Spring"], eventKeyForNewContacts="cameIn")
    counts = {name: status[name] for name in ("status", "total", "created", "failed")}
    assert counts == {"status": "FINISHED", "total": 1, "created": 1, "failed": 0}
    assert status["timestamp"]
    found = shown(client, "ann@example.com")
    assert (found["firstName"], found["languageCode"], found["timeZone"]) == ("Ann", "uk", "Europe/Kyiv")
    assert found["address"]["town"] == "Lviv"
    assert {one["type"]: one["value"] for one in found["channels"]}["sms"] == "380501234567"
    assert [one["value"] for one in found["fields"]] == ["SPRING-1"]
    assert [one["name"] for one in found["groups"]] == ["Spring"]


def test_an_empty_cell_changes_nothing_and_a_group_is_left(client: httpx.Client, files: Receiver) -> None:
    upload(client, holding(files, "Email,First name", "ann@example.com,Ann"), groupNames=["Spring"])
    upload(client, holding(files, "Email,First name,Last name", "ann@example.com,,Lee"), groupNamesExclude=["spring"])
    found = shown(client, "ann@example.com")
    assert (found["firstName"], found["lastName"], found["groups"]) == ("Ann", "Lee", [])


def test_contacts_are_recognised_as_dedupe_on_says(client: httpx.Client, files: Receiver) -> None:
    made = client.post("/contact", json=contact(("email", "ann@example.com"))).json()["id"]
    done = upload(client, holding(files, "Contact ID,First name", f"{made},Ann"), dedupeOn="id")
    assert done["updated"] == 1
    done = upload(client, holding(files, "Contact ID,First name,Email", f"{made},Eve,eve@example.com"))
    assert done["created"] == 1
    done = upload(client, holding(files, "SMS,First name", "380501234567,Ben"))
    assert [one["message"] for one in done["failedContacts"]] == ["nothing to recognise it by (email)"]
    done = upload(client, holding(files, "externalCustomerId,First name", "customer-1,Ben"), dedupeOn="sms")
    assert done["created"] == 1


def test_a_long_file_is_imported_in_parts_under_one_session(client: httpx.Client, files: Receiver) -> None:
    rows = [f"p{n}@example.com" if n % 1000 else "canary" for n in range(1, 7_001)]
    status = upload(client, holding(files, "Email", *rows))
    assert {name: status[name] for name in ("status", "total", "created", "failed")} == {
        "status": "FINISHED", "total": 7_000, "created": 6_993, "failed": 7,
    }  # fmt: skip
    assert [one["position"] for one in status["failedContacts"]] == [n * 1000 + 1 for n in range(1, 8)]
    assert "canary" not in json.dumps(status)
    assert upload(client, holding(files, "Email", *rows))["unchanged"] == 6_993


def test_a_login_in_the_link_is_sent_and_kept_nowhere(client: httpx.Client, files: Receiver, dsn: str) -> None:
    link = holding(files, "Email", "ann@example.com").replace("//", "//who:p%40ss@")
    upload(client, link)
    (request,) = files.received
    assert request.headers["Authorization"] == "Basic " + b64encode(b"who:p@ss").decode()
    assert "p%40ss" not in request.path
    with connect(dsn) as connection:
        (stored,) = connection.execute("select string_agg(i::text, '') as all from promo.contact_import i").fetchall()
    assert "p@ss" not in stored["all"]
    assert "ann@" not in stored["all"]


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("file:///etc/passwd", "it is no https address"),
        ("http://files.shop.example/c.csv", "it is no https address"),
        ("https://", "it is no https address"),
        ("https://127.0.0.2/c.csv", "its host has a private address"),
        ("https://[::1]/c.csv", "its host has a private address"),
        ("https://2130706433/c.csv", "its host has a private address"),
        ("https://localhost/c.csv", "its host has a private address"),
        ("https://169.254.169.254/latest/meta-data", "its host has a private address"),
        ("http://127.0.0.1/c.csv\r\nX: y", "it is no https address"),
        ("http://127.0.0.1:1/c.csv", "no connection: refused"),
    ],
)
def test_no_link_leads_into_the_private_network(client: httpx.Client, link: str, why: str) -> None:
    assert refused(client, link).startswith(f"link: {why}")


def test_only_the_port_that_is_named_is_asked(dsn: str, files: Receiver) -> None:
    link = holding(files, "Email", "ann@example.com")
    with serving(dsn, replace(UNSLOWED, upload_hosts=(f"127.0.0.1:{files.port}",))) as client:
        assert upload(client, link)["created"] == 1
        assert refused(client, link.replace(str(files.port), "1")) == "link: it is no https address"
    with serving(dsn, replace(UNSLOWED, upload_hosts=())) as client:
        assert refused(client, link) == "link: it is no https address"


def test_a_server_that_answers_otherwise_is_told_of(
    client: httpx.Client, files: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = holding(files)
    files.answer = lambda _: Answer(status=302, headers={"Location": "http://10.0.0.1/c.csv"})
    assert refused(client, link) == "link: its server answered 302; name the address that it leads to"
    files.answer = lambda _: Answer(status=404)
    assert refused(client, link) == "link: its server answered 404"
    files.answer = lambda _: Answer(body=b"Email\r\n", headers={"Content-Encoding": "gzip"})
    assert "packed" in refused(client, link)
    files.answer = lambda _: Answer(drop=True)
    assert "no connection" in refused(client, link)
    monkeypatch.setattr(upload_routes, "MOST_BYTES", 2**20)
    files.answer = lambda _: Answer(body=b"x" * (2**20 + 1))
    assert refused(client, link) == "link: the file is longer than 1 MiB; split it"
    assert [one.path for one in files.received].count("/contacts.csv") == len(files.received)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "link: line 1: the file is empty. Was it uploaded whole?"),
        (b"Email\r\n", "link: it holds no row below its header"),
        (b"First name\r\nAnn\r\n", "link: line 1: no column says whose row it is. One of externalCustomerId, email"),
        (b'[{"email": "a@example.com"}]', "link: it is no CSV. Save it as CSV in UTF-8"),
        (gzip.compress(b"Email\r\nann@example.com\r\n", mtime=0), "link: it is no CSV. Save it as CSV in UTF-8"),
        (b"Email\r\nann@example.com\r\n\xff\xfe\r\n", "link: line 3: "),
        (b'Email\r\nann@example.com\r\n"canary@example.com', "link: line 3: the quoting is broken"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(
    client: httpx.Client, files: Receiver, dsn: str, body: bytes, why: str
) -> None:
    files.answer = lambda _: Answer(body=body)
    said = refused(client, f"{files.url}/c.csv")
    assert said.startswith(why), said
    assert "canary" not in said
    with connect(dsn) as connection:
        assert connection.execute("select from promo.contact_import").fetchall() == []


def test_an_unknown_way_to_recognise_contacts_is_refused(client: httpx.Client, files: Receiver) -> None:
    assert refused(client, f"{files.url}/c.csv", dedupeOn="fieldId").startswith("dedupeOn: one of email, sms")
    assert files.received == []
