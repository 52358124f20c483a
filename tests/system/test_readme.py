"""What README and the pages of reference say is so: commands run, files are valid, tables are those of the code."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from doc_pages import commands, files, table, texts
from promo_campaigns.cli import main
from promo_campaigns.definitions.definitions import read_data_source, read_message
from promo_campaigns.definitions.names.declared import read_declared
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.delivery.transports.registry import OWN, load_transport
from promo_campaigns.delivery.transports.reteno import RECIPIENTS
from promo_campaigns.model.run import Recipient
from promo_campaigns.model.template_context import TOOL_NAMES, message_context

if TYPE_CHECKING:
    import pytest

    from receiver import Receiver

ROOT = Path(__file__).parents[2]
RECIPIENT = Recipient(
    contact_id=1,
    resend_counter=0,
    external_id="C-17",
    first_name="Anna",
    last_name="Koval",
    language="uk",
    locator="anna@example.com",
    code="WELC-7KQ2-M4XD",
    code_type="Welcome",
    discount=10,
    expires_at=datetime(2030, 12, 31, tzinfo=timezone.utc),
    fields={"favourite_colour": ("textfield", "blue")},
    time_zone="Europe/Kyiv",
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST = 150
PAGES = (
    *("reference/contacts.md", "reference/code-files.md", "reference/command-line.md", "reference/data-sources.md"),
    *("reference/transports.md", "understand/promises.md"),
)
"""Pages with commands that need the samples and each other: read in this order."""


def test_the_promo_commands_run_in_their_order(
    dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    api = f"promo-http://127.0.0.1:{receiver.port}?allow_insecure=true&allow_private=true"
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", api)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    ran = [words for page in PAGES for text in texts(page, "sh") for words in commands(text)]
    assert len(ran) >= 14
    for words in ran:
        assert main(words[1:]) == 0, words
    assert "Welcome" in capsys.readouterr().out
    assert [request.path for request in receiver.received] == ["/api/v1/contact"]


def test_the_readme_is_short_and_its_commands_are_those_that_there_are() -> None:
    assert len(README.splitlines()) <= LONGEST
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    blocks += texts("start/demo.md", "sh")
    shown = {tuple(words) for text in blocks for words in commands(text)}
    assert shown == {
        ("bin/demo",),
        ("bin/demo", "--once"),
        ("bin/demo", "--clean"),
        ("bin/test",),
        ("pip", "install", "airflow-provider-promo-campaigns"),
        ("promo", "init"),
    }
    assert all((ROOT / words[0]).exists() for words in shown if words[0].startswith("bin/"))
    assert 'name = "airflow-provider-promo-campaigns"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_message_and_the_data_source_shown_are_valid(tmp_path: Path) -> None:
    shown = files("reference/messages.md") | files("reference/data-sources.md")
    for name, text in shown.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_message(tmp_path, "push").channel == "mobilepush"
    assert set(read_message(tmp_path, "mail").options) == {"unsubscribe"}
    assert read_data_source(tmp_path, "profile").connection == "promo_profile_api"
    assert read_data_source(tmp_path, "gateway").key_window_s == 86400
    assert read_declared(tmp_path).fields == {"Bonus points": "number"}


def test_the_workflow_that_the_readme_shows_is_right(tmp_path: Path) -> None:
    (workflow,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    shutil.copytree(ROOT / "include", tmp_path, dirs_exist_ok=True)
    (tmp_path / "workflows" / "spring_sale.yaml").write_text(workflow, encoding="utf-8")
    assert check_workflow(IncludeFolder(tmp_path), "spring_sale").send_by == "12h"


def test_every_block_named_exists() -> None:
    named = [*table("understand/workflow.md", "block"), *table("how-to/events.md", "block")]
    for operator in (re.findall(r"`(\w+Operator)\(", row[0])[0] for row in named):
        assert any(f"class {operator}(" in file.read_text() for file in (ROOT / "plugins").rglob("operators/*.py"))


def test_the_names_that_a_template_reads_are_those_of_the_table() -> None:
    told = {
        name for row in table("reference/messages.md", "name in a template") for name in re.findall(r"`(\w+)`", row[0])
    }
    assert told == {*message_context(RECIPIENT)} - {"data", "favourite_colour"}
    tools = {name for row in table("reference/messages.md", "tool") for name in re.findall(r"`\$(\w+)`", row[0])}
    assert tools == {"number", "date", "math", "mathTool", "esc", "barcode", "barcodeTool"} <= {*TOOL_NAMES}


def test_the_table_of_transports_is_what_they_state() -> None:
    rows = [(row[0].strip("` "), *row[1:3]) for row in table("reference/transports.md", "transport")]
    stated = {name: (kind.channels, kind.batch_size) for name in OWN for kind in [load_transport(name)]}
    told = {
        name: (None if channel == "any" else frozenset({channel.strip("`")}), int(size.replace(",", "")))
        for name, channel, size in rows
    }
    assert told == {**stated, "reteno": (None, RECIPIENTS)}
