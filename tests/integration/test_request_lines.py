"""What a server reads of a request: whatever the values, it has the parts of its template, or it never left."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from closing_receiver import ClosingReceiver, running_closing
from integration.scenario import PROFILE, SPEC
from promo_campaigns.definitions.data_source_file import METHODS
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.rendering import render_requests
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.http.target import Endpoint
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run import Mode, Recipient, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run_spec import DataSource

SECRET = "of-the-connection"
VALUES = st.text(max_size=20) | st.text(alphabet="./\\%25eEfF;?#&=+ \t\r\n\x00a:@é", max_size=8)
LEADING = [".", "..", "%2e%2e", "../../admin", "..\\x", "..;", "%252e%252e", " ..", ""]
PATHS = ["/v1/contacts/$external_id/codes", "/v1/$external_id", "/v1/a-$external_id;m=1/x?q=$external_id&r=1"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[ClosingReceiver]:
    """Return a server that keeps the heads of requests."""
    with running_closing(ClosingReceiver(answers=1_000_000)) as running:
        yield running


def heads_of(
    receiver: ClosingReceiver, source: DataSource, values: Sequence[str]
) -> tuple[dict[int, str], dict[int, DeliveryResult]]:
    """Call for a contact of each external id, and return by its place what the server read and what we concluded."""
    receiver.heads.clear()
    run = Run(run_id=1, run_key="k", spec=SPEC, send_by=None, mode=Mode.MISSING, closed=False)
    recipients = [_recipient(place, value) for place, value in enumerate(values)]
    ready, refused = render_requests(compile_data_source(source), run, recipients)
    endpoint = Endpoint(
        base_url=f"http://127.0.0.1:{receiver.port}",
        headers={"Authorization": SECRET},
        allow_private=True,
        concurrency=1,
    )
    sent = asyncio.run(HttpSender(endpoint).send(ready, deadline=time.monotonic() + 60))
    called = [result.contact_id for result in sent if result.called]
    results = {result.contact_id: result for result in (*refused, *sent)}
    return dict(zip(called, receiver.heads, strict=True)), results


def _recipient(contact_id: int, external_id: str) -> Recipient:
    return Recipient(
        contact_id=contact_id,
        resend_counter=0,
        external_id=external_id,
        first_name=None,
        last_name=None,
        language=None,
        locator="token",
        code="CODE-1",
        code_type="Welcome",
        discount=10,
        expires_at=datetime(2030, 1, 1, tzinfo=timezone.utc),
        fields=None,
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("template", PATHS)
@example(values=LEADING)
@given(values=st.lists(VALUES, min_size=1, max_size=10))
def test_a_value_changes_no_structure_of_the_request_line(
    receiver: ClosingReceiver, method: str, template: str, values: list[str]
) -> None:
    body = "" if method == "GET" else PROFILE.body
    source = replace(PROFILE, method=method, path=template, headers={}, body=body)
    heads, results = heads_of(receiver, source, values)
    before, _, after = template.partition("?")[0].partition("$external_id")
    for place, value in enumerate(values):
        if place not in heads:
            assert results[place].outcome is Outcome.REFUSED
            assert not results[place].called
            assert re.search("a value|the path", results[place].detail)
            continue
        line, *_ = heads[place].split("\r\n")
        asked, target, version = line.split(" ")
        path, _, query = target.partition("?")
        assert (asked, version) == (method, "HTTP/1.1")
        assert path.startswith(before)
        assert path.endswith(after)
        middle = path.removeprefix(before).removesuffix(after)
        assert re.fullmatch(r"[A-Za-z0-9_.~%-]*", middle)
        assert unquote(middle) == value
        assert unquote(unquote(path.split("/")[-1])).strip() not in {".", ".."}
        expected = [("q", value), ("r", "1")] if "?" in template else []
        assert parse_qsl(query, keep_blank_values=True) == expected


def test_nobody_is_written_to_another_path_under_the_connection_s_credentials(receiver: ClosingReceiver) -> None:
    """The named case: the id ``..`` in ``/v1/contacts/$external_id/codes`` was posted to ``/v1/codes``."""
    source = replace(PROFILE, path=PATHS[0])
    heads, results = heads_of(receiver, source, [*LEADING, "A/17"])
    assert [head.partition("\r\n")[0] for head in heads.values()] == ["POST /v1/contacts/A%2F17/codes HTTP/1.1"]
    assert {result.outcome for place, result in results.items() if place not in heads} == {Outcome.REFUSED}
    assert all("path" in result.detail for place, result in results.items() if place not in heads)


@example(values=["a\r\nX-Evil: 1", "\r\n\r\nGET / HTTP/1.1\r\n", "a\x85b", "\u2028", "é"])
@given(values=st.lists(VALUES, min_size=1, max_size=10))
def test_a_value_adds_no_header_and_ends_none(receiver: ClosingReceiver, values: list[str]) -> None:
    source = replace(PROFILE, path="/v1", headers={"X-Id": "id=$external_id;"})
    heads, results = heads_of(receiver, source, values)
    names = None
    for place, value in enumerate(values):
        if place not in heads:
            assert (results[place].outcome, results[place].called) == (Outcome.REFUSED, False)
            continue
        _, *lines = heads[place].removesuffix("\r\n\r\n").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert headers["X-Id"].encode("latin-1").decode() == f"id={value};"
        assert len(headers) == len(lines)
        names = names or list(headers)
        assert list(headers) == names
