"""The help of ``promo``: what is asked for, what is meant by a slip, and what is loaded for it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_line import PROMO, all_commands, environment, on_terminal, parse
from promo_campaigns.cli import main
from promo_campaigns.cli.app import COMMANDS, load
from promo_campaigns.cli.exit_status import MEANINGS, ExitStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ALL = all_commands()
WITHOUT_JSON = {
    "help": "text is what it is for",
    "profile-api": "a server prints no result",
    "workflows schema": "what it prints is JSON",
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def examples(command: str) -> Iterator[list[str]]:
    for line in (ALL[command].epilog or "").splitlines():
        called = re.search(r"\bpromo (?!-)[^)>\"]*(?:\"[^\"]*\"[^)>\"]*)?", line)
        assert called, line
        yield shlex.split(called[0])[1:]


@pytest.mark.parametrize("command", ALL)
def test_every_command_has_help_with_examples_that_can_be_run(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: promo {command}")
    assert "\nExamples:\n  " in shown
    assert " ".join(ALL[command].help.split()) in " ".join(shown.split())
    lines = list(examples(command))
    assert lines
    for words in lines:
        assert parse(words).command_path == f"promo {command}"


@pytest.mark.parametrize("command", sorted(set(ALL) - set(WITHOUT_JSON)))
def test_every_command_that_prints_a_result_prints_json_of_chosen_fields(command: str) -> None:
    options = {option for parameter in ALL[command].params for option in parameter.opts}
    assert {"--json", "--fields"} <= options


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_summed_up_in_the_list_as_in_its_own_help(name: str) -> None:
    assert load(name).help.partition("\n")[0] == COMMANDS[name]


def test_alone_it_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    alone = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert alone == capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert re.search(rf"^  {name} ", alone, re.MULTILINE)
        assert summary in " ".join(alone.split())


def test_a_word_without_its_second_is_a_wrong_call_and_shows_what_may_follow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["codes"]) == ExitStatus.WRONG
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("promo: name one of the commands of promo codes\n")
    assert "  stock " in told.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("cods load x", "Did you mean 'codes'? See: promo --help"),
        ("codes lod x", "Did you mean 'load'? See: promo codes --help"),
        ("codes stock --jsn", "--json? See: promo codes stock --help"),
        ("check --rum x", "Did you mean --run? See: promo check --help"),
        ("help codes lod", "Did you mean 'load'?"),
        ("help check it", "promo check has no commands of its own"),
        ("codes load", "Missing argument 'FILE'. See: promo codes load --help"),
        ("codes withdraw x", "Invalid value for 'ID'"),
        (
            "runs mode key sometimes",
            "Invalid value for 'MODE': 'sometimes' is not one of 'missing'",
        ),
        ("contacts field A --type text", "choose one of textfield"),
        ("contacts field A --id 0", "a field id is a whole number above 0"),
        ("audit --limit -1", "Invalid value for '--limit'"),
        ("profile-api --head-timeout 0", "a number above 0 is needed"),
        ("profile-api --port 65536", "Invalid value for '--port'"),
        ("unknown accept key", "name the contacts by --contact ID, or give --all"),
        ("data-source test x", "give --contact ID, or --body FILE"),
        ("runs export key --since yesterday --dsn x", "--since must be a date or a time"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_is_meant(
    words: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == ExitStatus.WRONG
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("promo: ")
    assert told.err.count("\n") == 1
    assert meant in told.err


def test_help_says_what_each_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "exit-status"]) == 0
    shown = capsys.readouterr().out
    assert [int(number) for number in re.findall(r"^ *(\d+)  ", shown, re.MULTILINE)] == [*MEANINGS]
    assert set(MEANINGS) == set(ExitStatus)


def test_help_of_a_command_is_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "codes", "load"]) == 0
    shown = capsys.readouterr().out
    assert main(["codes", "load", "--help"]) == 0
    assert shown == capsys.readouterr().out


def test_the_reference_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Renew it with: promo help reference > docs/reference/command.md."""
    assert main(["help", "reference"]) == 0
    assert (ROOT / "docs" / "reference" / "command.md").read_text(encoding="utf-8") == capsys.readouterr().out


def loaded(*words: str) -> set[str]:
    """Return the modules that are loaded once a command is done."""
    code = "import sys; from promo_campaigns.cli import main; main(sys.argv[1:]); print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=environment(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())


HEAVY = {"airflow", "alembic", "sqlalchemy", "aiohttp", "fastapi", "openpyxl", "pydantic", "jsonschema", "rich"}


def test_help_loads_no_command_and_nothing_heavy() -> None:
    found = loaded("--help")
    assert not found & (HEAVY | {"psycopg", "asyncio"})
    assert not {name for name in found if name.startswith("promo_campaigns.cli.commands")}


def test_a_simple_command_loads_its_own_module_and_its_driver() -> None:
    """Typer would load pydantic for the value of each option, and Rich is for terminals."""
    found = loaded("codes", "stock", "--dsn", "postgresql://127.0.0.1:1/nothing")
    assert "psycopg" in found
    assert not found & HEAVY
    commands = {name for name in found if name.startswith("promo_campaigns.cli.commands.")}
    assert commands == {"promo_campaigns.cli.commands.codes"}


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("promo co", ["codes", "contacts"]),
        ("promo runs ap", ["approve"]),
        ("promo codes stock --js", ["--json"]),
        ("promo runs mode key p", ["profiles"]),
        ("promo preview welcome_p", ["welcome_push"]),
        ("promo preview --message promo_p", ["promo_push"]),
        ("promo preview --audience all_c", ["all_contacts"]),
        ("promo data-source test promo_to_p", ["promo_to_profile"]),
        ("promo contacts field A --type text", ["textfield", "textarea"]),
        ("promo help exit", ["exit-status"]),
    ],
)
def test_the_shell_completes_commands_options_and_names_of_files(line: str, completions: list[str]) -> None:
    asked = {"_PROMO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run(PROMO, env=environment(**asked), cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == completions


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_help_and_errors_are_coloured_on_a_terminal_alone(more: dict[str, str], coloured: bool) -> None:  # noqa: FBT001
    for words, status in ((["--help"], 0), (["cods"], 2)):
        with on_terminal(*words, variables=more) as terminal:
            assert terminal.end() == status
        assert bool(COLOUR.search(terminal.shown)) is coloured
        piped = subprocess.run([*PROMO, *words], env=environment(), capture_output=True, text=True, check=False)
        assert not COLOUR.search(piped.stdout + piped.stderr)


def test_it_can_be_run_as_a_module_and_tells_its_version() -> None:
    done = subprocess.run([*PROMO, "--version"], env=environment(), capture_output=True, text=True, check=True)
    assert re.fullmatch(r"promo \d+\.\d+\.\d+\S*\n", done.stdout)
