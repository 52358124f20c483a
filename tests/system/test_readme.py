"""The README's commands and files are those that exist."""

from __future__ import annotations

import re
import shlex
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from promo_campaigns.cli import main
from promo_campaigns.definitions.definitions import read_data_source, read_message
from promo_campaigns.definitions.names.declared import read_declared
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.delivery.transports.registry import OWN, load_transport
from promo_campaigns.delivery.transports.reteno import RECIPIENTS
from promo_campaigns.model.run import Recipient
from promo_campaigns.model.template_context import TOOL_NAMES, message_context

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> Iterator[list[str]]:
    for block in blocks("sh"):
        for line in block.splitlines():
            yield shlex.split(line, comments=True)


def test_the_promo_commands_run_in_their_order(
    dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    api = f"promo-http://127.0.0.1:{receiver.port}?allow_insecure=true&allow_private=true"
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_PROFILE_API", api)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    ran = [words for words in commands() if words[0] == "promo"]
    assert len(ran) >= 7
    for words in ran:
        assert main(words[1:]) == 0, words
    assert "Welcome" in capsys.readouterr().out
    assert [request.path for request in receiver.received] == ["/api/v1/contact"]


def test_every_other_command_is_one_of_the_checkout_s() -> None:
    others = {tuple(words) for words in commands() if words[0] != "promo"}
    assert others == {
        ("bin/demo",),
        ("bin/demo", "--once"),
        ("bin/demo", "--clean"),
        ("bin/test",),
        ("pip", "install", "airflow-provider-promo-campaigns"),
    }
    assert all((ROOT / words[0]).exists() for words in others if words[0] != "pip")
    assert 'name = "airflow-provider-promo-campaigns"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_message_and_the_data_source_shown_are_valid(tmp_path: Path) -> None:
    message, source, fields, workflow, mail, gateway = blocks("yaml")
    files = {"messages": {"push": message, "mail": mail}, "data_sources": {"profile": source, "gateway": gateway}}
    for folder, texts in files.items():
        (tmp_path / folder).mkdir()
        for name, text in texts.items():
            (tmp_path / folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert read_message(tmp_path, "push").channel == "mobilepush"
    assert set(read_message(tmp_path, "mail").options) == {"unsubscribe"}
    assert read_data_source(tmp_path, "profile").connection == yaml.safe_load(source)["connection"]
    assert read_data_source(tmp_path, "gateway").key_window_s == 86400
    (tmp_path / "fields.yaml").write_text(fields, encoding="utf-8")
    assert read_declared(tmp_path).fields == {"Bonus points": "number"}
    for folder, name in (("audiences", "with_push_token.sql"), ("messages", "promo_push.yaml")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text((ROOT / "include" / folder / name).read_text())
    (tmp_path / "data_sources" / "promo_to_profile.yaml").write_text(source, encoding="utf-8")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "spring_sale.yaml").write_text(workflow, encoding="utf-8")
    assert check_workflow(IncludeFolder(tmp_path), "spring_sale").send_by == "12h"


def table(head: str) -> list[list[str]]:
    """Return the rows of the table whose first column has this head."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n\| ---.*\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found, f"the README has no table of {head}"
    return [row.strip("|").split(" | ") for row in found[1].splitlines()]


def test_every_block_named_exists() -> None:
    for operator in re.findall(r"^\| `(\w+Operator)\(", README, re.MULTILINE):
        assert any(f"class {operator}(" in file.read_text() for file in (ROOT / "plugins").rglob("operators/*.py"))


def test_the_names_that_a_template_reads_are_those_of_the_table() -> None:
    told = {name for row in table("name in a template") for name in re.findall(r"`(\w+)`", row[0])}
    assert told == {*message_context(RECIPIENT)} - {"data", "favourite_colour"}
    tools = {name for row in table("tool") for name in re.findall(r"`\$(\w+)`", row[0])}
    assert tools == {"number", "date", "math", "mathTool", "esc", "barcode", "barcodeTool"} <= {*TOOL_NAMES}


def test_the_table_of_transports_is_what_they_state() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (any|`\w+`) \| ([\d,]+) \|", README, re.MULTILINE)
    stated = {name: (kind.channels, kind.batch_size) for name in OWN for kind in [load_transport(name)]}
    told = {
        name: (None if channel == "any" else frozenset({channel.strip("`")}), int(size.replace(",", "")))
        for name, channel, size in rows
    }
    assert told == {**stated, "reteno": (None, RECIPIENTS)}


def test_every_page_named_is_there() -> None:
    pages = re.findall(r"\]\((docs/[^)#]+)", README)
    assert "docs/reference/workflow.md" in pages
    assert all((ROOT / page).is_file() for page in pages)
