"""The parts of the demo that need nothing running."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from command_line import parse
from promo_campaigns.demo.interruption import Interrupted, Interruption
from promo_campaigns.demo.ledger_view import failed_checks
from promo_campaigns.demo.screen import Screen
from promo_campaigns.demo.showing import what_next
from promo_campaigns.local_airflow.layout import Layout

ROOT = Path(__file__).parents[2]
AS_PROMISED = {
    "audience": 1010,
    "distinct_codes": 1000,
    "accepted": 1000,
    "recorded": 1000,
    "without_channel": 10,
    "skipped_without_code": 10,
    "profiles_with_their_code": 1000,
    "messages_received": 1000,
    "contacts_with_one_message": 1000,
}


def test_what_is_as_promised_fails_no_check() -> None:
    assert failed_checks(AS_PROMISED) == []


@pytest.mark.parametrize("name", sorted(AS_PROMISED.keys() - {"recorded"}))
def test_each_count_that_is_off_by_one_fails_its_check(name: str) -> None:
    failed = failed_checks(AS_PROMISED | {name: AS_PROMISED[name] - 1})
    assert len(failed) == 1
    assert f"{AS_PROMISED[name] - 1:,}" in failed[0]


def test_progress_that_did_not_move_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    for text in ("sending 1", "sending 1", "sending 2"):
        screen.progress(text)
    assert [line.split("s  ")[1] for line in capsys.readouterr().out.splitlines()] == ["sending 1", "sending 2"]


def test_an_interruption_waits_for_the_end_of_a_shielded_block_and_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("promo_campaigns.demo.interruption._SIGNALS", (signal.SIGTERM,))
    interruption = Interruption()
    interruption.install()
    reached = []

    def keep_a_process_in_sight() -> None:
        with interruption.shielded():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("the end of the block")

    try:
        with pytest.raises(Interrupted):
            keep_a_process_in_sight()
        os.kill(os.getpid(), signal.SIGTERM)  # asked to hurry: counted, and nothing else
    finally:
        signal.signal(signal.SIGTERM, before)
    assert reached
    assert interruption.requests == 2


def test_an_interruption_ends_what_is_not_shielded(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("promo_campaigns.demo.interruption._SIGNALS", (signal.SIGTERM,))
    Interruption().install()
    try:
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_ctrl_c_counts_where_the_shell_had_it_ignored_and_a_hang_up_does_not() -> None:
    """A shell script's background commands ignore Ctrl-C, and those under ``nohup`` a hang-up."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.SIG_IGN)
    try:
        Interruption().install()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_demo_ends_with_what_can_be_tried_and_each_of_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMO_PYTHON", raising=False)
    shown = what_next(Layout(ROOT), "http://127.0.0.1:8080/plugin/promo/runs  user admin  password x")
    words = [line.strip().partition("  ")[0].split() for line in shown]
    commands = [line[1:] for line in words if line[:1] == [".venv/bin/promo"]]
    assert {line[0] for line in commands} == {"inbox", "preview", "runs", "doctor"}
    for line in commands:
        parse(line)
    assert any(line[:1] == ["bin/airflow"] for line in words)
    named = [word.strip(",") for line in words for word in line if word.startswith(("include/", "bin/"))]
    assert [word for word in named if not (ROOT / word).exists()] == []
    assert all(len(line) <= 100 for line in shown)
