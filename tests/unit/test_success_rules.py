"""What a data source's rule says of an answer, whatever its status, and which rules can never hold."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from integration.scenario import POINTS, PROFILE
from promo_campaigns.definitions.definitions import read_data_source
from promo_campaigns.delivery.success_rule import SuccessRule, read_json
from promo_campaigns.http.client import Answer
from promo_campaigns.http.outcome import classify_status, is_locked_out
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.velocity import can_hold

if TYPE_CHECKING:
    from pathlib import Path

    from receiver import Receiver

STATUSES = range(100, 600)


def answer(status: int, body: bytes = b"{}") -> Answer:
    return Answer(
        outcome=classify_status(status),
        status=status,
        body=body,
        detail=f"HTTP {status}",
        locked_out=is_locked_out(status),
    )


@pytest.mark.parametrize(
    ("rule", "status", "body", "outcome"),
    [
        ("$status < 300 || $status == 409", 409, b"", Outcome.OK),
        ("$status < 300 || $status == 409", 200, b"", Outcome.OK),
        ("$status < 300 || $status == 409", 404, b"", Outcome.REFUSED),
        ("$status < 300 || $status == 409", 503, b"", Outcome.UNKNOWN),
        ("$status < 300 || $status == 409", 401, b"", Outcome.LATER),
        ("$status == 404 || $status == 200", 404, b"", Outcome.OK),
        ("$status == 201", 200, b"", Outcome.REFUSED),
        ("$status == 409 && $answer.get('code') == 'exists'", 409, b'{"code": "exists"}', Outcome.OK),
        ("$status == 409 && $answer.get('code') == 'exists'", 409, b'{"code": "busy"}', Outcome.UNKNOWN),
        ("$status == 409 && $answer.get('code') == 'exists'", 409, b"<html>", Outcome.UNKNOWN),
        ("$answer.get('ok')", 409, b'{"ok": true}', Outcome.UNKNOWN),
        ("$answer.get('ok')", 200, b'{"ok": true}', Outcome.OK),
    ],
)
def test_a_rule_that_names_a_status_decides_on_it(rule: str, status: int, body: bytes, outcome: Outcome) -> None:
    result = SuccessRule(replace(PROFILE, success=rule)).result(1, answer(status, body))
    assert result.outcome is outcome
    assert result.locked_out is (outcome is Outcome.LATER)


def test_a_rule_that_makes_a_locked_out_status_a_success_takes_the_fault_from_the_receiver() -> None:
    result = SuccessRule(replace(PROFILE, success="$status == 302")).result(1, answer(302))
    assert (result.outcome, result.locked_out, result.detail) == (Outcome.OK, False, "")


@pytest.mark.parametrize(
    "rule",
    [
        "$status < 300 || $status == 409",
        "$status == '200'",
        "$answer.ok",
        "!$answer.ok",
        "$status >= 200 && $answer.get('state') == 'done'",
        "$status == 600 || $answer.ok",
    ],
)
def test_a_rule_that_some_answer_meets_can_hold(rule: str) -> None:
    assert can_hold(rule, "status", STATUSES)


@pytest.mark.parametrize(
    "rule",
    [
        "$status == 600",
        "$status == 'ok'",
        "$status == 200 && $status == 409",
        "$status < 100",
        "$answer.ok && $status == 2000",
        "false",
        "!($status > 1)",
        "$answer.state == 'DONE' && $answer.state == 'FINISHED'",
        "!($answer.get('a') != 'x' || $answer.get('a') != 'y')",
    ],
)
def test_a_rule_that_no_answer_can_meet_is_refused_with_its_line(tmp_path: Path, rule: str) -> None:
    (tmp_path / "data_sources").mkdir()
    (tmp_path / "data_sources" / "promo.yaml").write_text(
        f'connection: api\npath: /x\nbody: "{{}}"\nsuccess: "{rule}"\n', encoding="utf-8"
    )
    with pytest.raises(DefinitionError, match="no answer can ever meet this rule") as refused:
        read_data_source(tmp_path, "promo")
    assert refused.value.line == 4


def test_a_misspelt_name_in_a_rule_is_refused_with_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "data_sources").mkdir()
    (tmp_path / "data_sources" / "promo.yaml").write_text(
        'connection: api\npath: /x\nbody: "{}"\nsuccess: "$statuss == 200"\n', encoding="utf-8"
    )
    with pytest.raises(DefinitionError, match=r"there is no \$statuss. Did you mean \$status\?"):
        read_data_source(tmp_path, "promo")


def test_why_an_answer_could_not_be_read_is_told() -> None:
    packed = replace_body(answer(200), b"", "the answer is encoded as br, which is not read; gzip and deflate are")
    rule = SuccessRule(replace(POINTS, success="$answer.ok"))
    assert rule.outcome(packed, read_json(packed.body)) == (Outcome.UNKNOWN, packed.unread)


def replace_body(one: Answer, body: bytes, unread: str) -> Answer:
    return Answer(outcome=one.outcome, status=one.status, body=body, unread=unread)


def test_a_gzip_answer_meets_its_rule(receiver: Receiver) -> None:
    import asyncio
    import time

    from promo_campaigns.http.client import Call, HttpClient
    from promo_campaigns.http.target import Endpoint
    from receiver import Answer as Told

    receiver.answer = lambda _: Told(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b'{"points": 5}'))
    client = HttpClient(Endpoint(base_url=receiver.url, allow_private=True))

    async def call() -> Answer:
        async with client.connected():
            (told,) = await client.send_all([Call(method="POST", path="/")], deadline=time.monotonic() + 5)
            return told

    result = SuccessRule(replace(POINTS, success="$answer.points == 5")).result(1, asyncio.run(call()))
    assert (result.outcome, result.answer) == (Outcome.OK, '{"points":5}')
