"""The page of a first real send agrees with the stranger who walks it in ``make walk``, which takes minutes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow.cli.cli_config import core_commands

from command_line import parse
from doc_pages import ROOT, page_text, read_blocks, words_of
from walk.environment import environment
from walk.stranger import END, LOGIN, MOST_COMMANDS, PAGE, POSTGRES, RECEIVER, REPEATED, typed_commands

COMMANDS = [words_of(command) for command in typed_commands()]
TEXT = page_text(PAGE)
IN_BACKGROUND = ["airflow", "standalone", ">", "airflow.log", "2>&1", "&"]


def test_the_page_needs_no_more_commands_than_it_promises() -> None:
    assert 0 < len(COMMANDS) <= MOST_COMMANDS
    assert f"{len(COMMANDS)} commands" in TEXT.replace("twelve", "12")
    joined = {word for words in COMMANDS for word in words} & {"&&", "||", ";", "|"}
    assert not joined, "two commands in one line are two commands"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_is_one_that_there_is(words: list[str]) -> None:
    match words:
        case ["promo", *rest]:
            parse(rest)
        case ["airflow", "dags", "unpause" | "trigger", name]:
            assert f"include/workflows/{name}.yaml" in {block.name for block in read_blocks(PAGE)}
        case ["airflow", command, *_]:
            assert words == IN_BACKGROUND
            assert command in {one.name for one in core_commands}
        case [".", file]:
            assert Path(file).name in {block.name for block in read_blocks(PAGE)}
        case _:
            assert words[0] in {"pip", "psql", "python3"}


def test_a_command_that_is_repeated_shows_what_the_page_says() -> None:
    """The walk types it again until the lines behind it are shown, and the page tells its reader so."""
    blocks = read_blocks(PAGE)
    for start in REPEATED:
        (at,) = [at for at, block in enumerate(blocks) if block.language == "sh" and start in block.text]
        assert blocks[at].text.splitlines()[-1].startswith(start)
        assert blocks[at + 1].language == "text"
    assert len(re.findall("[Rr]epeat ", TEXT)) == len(REPEATED)


def test_the_page_names_no_address_but_those_that_the_walk_replaces() -> None:
    typed = "".join(block.text for block in read_blocks(PAGE))
    assert {*re.findall(r"https?://[\w.:-]+", typed)} == {RECEIVER}
    assert {*re.findall(r"@([\w.]+:\d+)", typed)} == {POSTGRES}
    assert typed.count(LOGIN) == 1
    assert f"`{END}` ends Airflow" in TEXT


def test_the_settings_that_only_the_walk_makes_are_those_the_page_tells_of_other_ports(tmp_path: Path) -> None:
    made = environment(tmp_path, "postgresql://postgres:p@localhost:1/postgres", 18200)
    assert {name for name in made if name.startswith("AIRFLOW")} == {*re.findall(r"`(AIRFLOW__\w+)`", TEXT)}


def test_the_long_walk_is_not_in_the_daily_tests() -> None:
    assert '"walk"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "tests/walk" in (ROOT / "Makefile").read_text(encoding="utf-8")
