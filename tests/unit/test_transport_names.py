"""Which transport a name leads to, and what is said when it leads nowhere."""

from __future__ import annotations

import importlib
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.delivery.transports.registry import OWN, load_transport
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


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
    metadata = tmp_path / "pigeons-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeons\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        dedent("""
            [promo_campaigns.transports]
            pigeon = pigeons:PigeonTransport
            smtp = pigeons:PigeonTransport
            word = pigeons:WORD
            lost = pigeons:LostTransport
            more = needs_more:MoreTransport
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


@pytest.mark.usefixtures("installed")
def test_another_package_adds_a_transport_by_an_entry_point() -> None:
    assert load_transport("pigeon").name == "pigeon"


@pytest.mark.parametrize("name", OWN)
def test_the_product_s_own_are_found_without_being_installed(name: str) -> None:
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
