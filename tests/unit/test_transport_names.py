"""Which transport a name leads to, and what is said when it leads nowhere."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.delivery.transports.registry import GROUP, OWN, load_transport
from promo_campaigns.model.errors import ConfigurationError


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, entries: str) -> None:
    """Put a distribution on the path of Python whose entry points are these."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(dedent(entries))
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()


def found_by_a_program(*folders: Path) -> dict[str, bool]:
    """Return for each of the product's transports whether a Python finds it that has no distribution but these."""
    program = f"""
        import json, sys, sysconfig
        from promo_campaigns.delivery.transports.registry import OWN, load_transport, transport_names
        for entry in OWN.values():
            entry.load()
        libraries = {{sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}}
        sys.path[:] = [*{[str(folder) for folder in folders]}, *(one for one in sys.path if one not in libraries)]
        found = {{name: name in transport_names() for name in OWN}}
        assert all(load_transport(name).name == name for name in OWN if found[name])
        print(json.dumps(found))
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)
    found: dict[str, bool] = json.loads(done.stdout)
    return found


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on the path of Python, in which a distribution adds transports."""
    (tmp_path / "pigeons.py").write_text(
        dedent("""
            from promo_campaigns.delivery.transports.base import BaseTransport
            class PigeonTransport(BaseTransport):
                name = "pigeon"
            WORD = "coo"
        """)
    )
    (tmp_path / "needs_more.py").write_text("import a_module_that_nobody_has\n")
    entries = """
        [promo_campaigns.transports]
        pigeon = pigeons:PigeonTransport
        smtp = pigeons:PigeonTransport
        word = pigeons:WORD
        lost = pigeons:LostTransport
        more = needs_more:MoreTransport
    """
    install(tmp_path, monkeypatch, "pigeons", entries)
    return tmp_path


@pytest.mark.usefixtures("installed")
def test_another_package_adds_a_transport_by_an_entry_point() -> None:
    assert load_transport("pigeon").name == "pigeon"


def test_the_project_names_its_transports_as_a_package_of_somebody_else_does() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    table = project.partition('[project.entry-points."promo_campaigns.transports"]\n')[2].partition("\n\n")[0]
    named = dict(line.split(" = ") for line in table.splitlines())
    assert named == {name: f'"{entry.value}"' for name, entry in sorted(OWN.items())}


def test_an_installed_package_has_the_transports_of_its_entry_points_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed with one of its transports, the product has that one: it shows where they are read."""
    entries = f"[{GROUP}]\nwebhook = {OWN['webhook'].value}\n"
    install(tmp_path, monkeypatch, "airflow_provider_promo_campaigns", entries)
    assert found_by_a_program(tmp_path) == {name: name == "webhook" for name in OWN}


def test_a_clone_that_is_not_installed_has_the_product_s_own() -> None:
    assert found_by_a_program() == dict.fromkeys(OWN, True)


@pytest.mark.parametrize("name", OWN)
def test_the_product_s_own_are_found(name: str) -> None:
    found = load_transport(name)
    assert issubclass(found, BaseTransport)
    assert found.name == name


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        (
            "carrier",
            "no transport 'carrier'; installed are: fcm, inbox, lost, more, pigeon, reteno, smtp, webhook, word",
        ),
        ("smtp", "there are two transports 'smtp', pigeons:PigeonTransport and promo_campaigns.*; uninstall one"),
        (
            "word",
            r"'word' \(pigeons:WORD\) is no subclass of promo_campaigns.delivery.transports.base.BaseTransport",
        ),
        ("lost", "the transport 'lost' cannot be loaded from pigeons:LostTransport"),
        ("more", "the transport 'more' needs the module a_module_that_nobody_has, which is not installed: install it"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_is_installed(name: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        load_transport(name)


def test_what_is_missing_for_fcm_is_named_with_the_way_to_get_it() -> None:
    code = (
        "import sys; sys.modules['google'] = None\n"
        "from promo_campaigns.delivery.transports.registry import load_transport\n"
        "load_transport('fcm')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "the transport 'fcm' needs the module google" in done.stderr
    assert done.stderr.rstrip().endswith("pip install 'airflow-provider-promo-campaigns[fcm]'")
