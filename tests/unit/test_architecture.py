"""What no linter says about the shape of the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "promo_campaigns"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE = 350
LONGEST_FUNCTION = 60
BELOW_AIRFLOW = [
    "model",
    "velocity",
    "http",
    "postgres",
    "tables",
    "code_files",
    "contacts",
    "definitions",
    "ledger",
    "delivery",
    "doctor",
    "preview",
    "uplift",
    "local_airflow",
    "profile_api",
]


def parse_name(path: Path) -> str:
    """Return a module's path inside the package, as a test's name."""
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("module", MODULES, ids=parse_name)
def test_a_module_has_a_name_of_its_own_and_a_readable_length(module: Path) -> None:
    """Airflow may load plugin files by their stem: one named like a standard module would replace it."""
    assert module.stem not in sys.stdlib_module_names
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} is {length} lines long"


def test_airflow_is_kept_from_loading_the_package_as_loose_modules() -> None:
    assert (ROOT / "plugins" / ".airflowignore").read_text().split() == ["promo_campaigns/"]


@pytest.mark.parametrize("room", BELOW_AIRFLOW)
def test_a_room_below_airflow_loads_no_airflow(room: str) -> None:
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in MODULES
        if path.is_relative_to(PACKAGE / room) and "migrations" not in path.parts and path.stem != "__init__"
    ]
    code = (
        "import importlib, sys; [importlib.import_module(n) for n in sys.argv[1:]]; sys.exit('airflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_tests_of_the_demo_import_the_demo() -> None:
    """What other tests need of it is in local_airflow, so that the demo can change without them."""
    tests = [file for file in (ROOT / "tests").rglob("*.py") if "test_demo" not in file.name]
    demo = re.compile(r"^\s*(?:from|import) promo_campaigns\.demo\b", re.MULTILINE)
    assert [file.name for file in tests if demo.search(file.read_text(encoding="utf-8"))] == []


def test_the_pinned_versions_name_no_host() -> None:
    constraints = (ROOT / "constraints.txt").read_text()
    assert "://" not in constraints
    assert not re.search(r"^\s*(-|--)", constraints, re.MULTILINE)
    assert re.search(r"^apache-airflow==", constraints, re.MULTILINE)
