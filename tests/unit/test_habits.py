"""The checks before a commit are those of bin/test, and what is said about licence and files is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
LINT = (ROOT / "bin" / "lint").read_text(encoding="utf-8")
PARTS = set(re.findall(r"^        (\w+)\)", LINT, re.MULTILINE))
TOOLS = ("ruff check", "ruff format --check", "bin/mypy", "lint-imports")


def test_pre_commit_runs_every_check_of_bin_lint_and_no_other() -> None:
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    assert [hook["entry"] for hook in local["hooks"]] == [f"bin/lint {hook['id']}" for hook in local["hooks"]]
    assert {hook["id"] for hook in local["hooks"]} == PARTS


def test_bin_test_and_make_run_the_checks_of_bin_lint() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    called = [set(parts.split()) for parts in re.findall(r"^\tbin/lint (.+)$", makefile, re.MULTILINE)]
    assert set().union(*called) == PARTS
    bin_test = (ROOT / "bin" / "test").read_text(encoding="utf-8")
    assert re.search(r"^bin/lint$", bin_test, re.MULTILINE)
    assert all(tool in LINT for tool in TOOLS)
    assert re.findall(rf"(?:{'|'.join(TOOLS)})$", bin_test + makefile, re.MULTILINE) == []


def test_a_check_that_does_not_exist_is_refused_by_name() -> None:
    done = subprocess.run([ROOT / "bin" / "lint", "spelling"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "lint: there is no check spelling. There are: style, types, imports, pages\n"


def test_the_licence_is_the_whole_apache_licence_and_names_who_holds_the_rights() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert re.search(r"^   Copyright 2026 The maintainers of airflow-provider-promo-campaigns$", text, re.MULTILINE)
