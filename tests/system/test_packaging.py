"""The two ways to use the package, each in an environment of its own: the wheel, and a clone Airflow is pointed at."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from promo_campaigns import __version__
from promo_campaigns.delivery.transports.registry import OWN
from wheels import ROOT, build_wheel, find_uv, run

PACKAGE = ROOT / "plugins" / "promo_campaigns"
# workflows.py holds one for each workflow file, each other file one of its own.
DAGS = len(list((ROOT / "dags").glob("*.py"))) - 1 + len(list((ROOT / "include" / "workflows").glob("*.yaml")))
OWN_MODULES = {name: entry.module for name, entry in OWN.items() if name != "fcm"}
"""Where the product's own transports are; that of Firebase needs a library that neither environment has."""
PROBE = Path(__file__).with_name("package_probe.py")


def make_environment(folder: Path, *requirements: str | Path) -> Path:
    """Make a virtual environment with these requirements at the pinned versions; return its bin folder."""
    uv = find_uv()
    run([uv, "venv", "--quiet", "--python", sys.executable, folder])
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        folder / "bin/python",
        "--constraint",
        "constraints.txt",
    ]
    run([*install, *requirements])
    return folder / "bin"


def probe(bin_folder: Path, home: Path, **settings: str) -> dict[str, Any]:
    """Return what the environment's Airflow makes of the package."""
    settings |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    # Bytecode of all probes in one place, outside of the checkout: compiling Airflow takes longer than all the rest.
    settings |= {"PYTHONPYCACHEPREFIX": str(home.parent / "bytecode")}
    printed = run([bin_folder / "python", PROBE], **settings)
    found: dict[str, Any] = json.loads(printed.rpartition("\nFOUND ")[2])
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built as a release would be."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an environment with the wheel in it."""
    return make_environment(tmp_path_factory.mktemp("wheel") / "venv", wheel)


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an environment with the dependencies and without the package."""
    return make_environment(tmp_path_factory.mktemp("clone") / "venv", "-r", "pyproject.toml")


def test_the_wheel_holds_exactly_the_package(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    here = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    first_project = {
        f"promo_campaigns/starter/files/{path.relative_to(ROOT).as_posix()}"
        for folder in ("dags", "include")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == {path.relative_to(PACKAGE.parent).as_posix() for path in here} | first_project
    assert any(name.endswith(".sql") for name in packed)
    assert "promo_campaigns/py.typed" in packed


def test_the_wheel_brings_its_licence(wheel: Path) -> None:
    files = {Path(name).name: name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" in name}
    assert zipfile.ZipFile(wheel).read(files["LICENSE"]) == (ROOT / "LICENSE").read_bytes()
    metadata = zipfile.ZipFile(wheel).read(files["METADATA"]).decode()
    assert "\nLicense-Expression: Apache-2.0\nLicense-File: LICENSE\n" in metadata


def test_an_installed_wheel_registers_its_plugin_and_its_provider_and_runs_the_dags(
    installed: Path, tmp_path: Path
) -> None:
    found = probe(installed, tmp_path, AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"))
    assert Path(found["package"]).is_relative_to(installed.parent)
    assert found["plugins"].count("promo_campaigns") == 1
    assert "/promo" in found["mounted"]
    assert found["plugin_errors"] == {}
    assert found["provider"] == __version__
    assert found["dag_errors"] == {}
    assert found["transport_entry_points"] == sorted(OWN)
    assert found["transports"] == OWN_MODULES
    assert len(found["dags"]) == DAGS


def test_an_installed_wheel_brings_the_command_and_its_queries(installed: Path, dsn: str) -> None:
    assert run([installed / "promo", "--version"]).strip() == f"promo {__version__}"
    assert run([installed / "promo", "db", "migrate", "--dsn", dsn]).strip() == "The schema is up to date."
    made = run([installed / "promo", "contacts", "field", "Promo code", "--id", "12345", "--dsn", dsn])
    assert made == "field 12345  Promo code  textfield\n"


def test_an_installed_wheel_makes_a_first_project_that_is_right(installed: Path, tmp_path: Path) -> None:
    assert "files made, 0 left" in run([installed / "promo", "init", tmp_path / "mine"])
    checked = run([installed / "promo", "workflows", "check", "--include", tmp_path / "mine" / "include"])
    assert checked.endswith("3 workflows, 0 wrong\n")


def test_a_clone_works_without_being_installed(cloned: Path, tmp_path: Path) -> None:
    """The plugin is there once, the DAGs are read, no file is loaded as a loose module or in place of Python's own."""
    folders = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"), "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags")}
    found = probe(cloned, tmp_path, **folders)
    assert Path(found["package"]) == PACKAGE
    assert found["provider"] is None
    assert found["transport_entry_points"] == []
    assert found["transports"] == OWN_MODULES
    assert found["plugins"].count("promo_campaigns") == 1
    assert "/promo" in found["mounted"]
    assert found["plugin_errors"] == {}
    assert found["dag_errors"] == {}
    assert len(found["dags"]) == DAGS
    assert found["shadowed"] == []
    assert found["loose"] == []


def test_a_wheel_and_a_clone_together_register_one_plugin(installed: Path, tmp_path: Path) -> None:
    folders = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"), "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags")}
    found = probe(installed, tmp_path, **folders)
    assert found["plugins"].count("promo_campaigns") == 1
    assert "/promo" in found["mounted"]
    assert found["transports"] == OWN_MODULES
    assert (found["plugin_errors"], found["shadowed"], found["loose"]) == ({}, [], [])
