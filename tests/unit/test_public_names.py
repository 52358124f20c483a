"""What the package offers by name, and what that costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import promo_campaigns
from promo_campaigns.model import errors


@pytest.mark.parametrize("name", promo_campaigns.__all__)
def test_what_is_offered_is_there(name: str) -> None:
    found = getattr(promo_campaigns, name)
    assert getattr(found, "__name__", name) == name
    assert name in dir(promo_campaigns)


def test_every_error_is_offered() -> None:
    assert set(errors.__all__) <= set(promo_campaigns.__all__)


def test_what_is_not_offered_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = promo_campaigns.nothing


def test_a_name_loads_its_own_module_and_the_package_none() -> None:
    program = (
        "import sys, promo_campaigns\n"
        "print(*(name for name in sys.modules if name.startswith('promo_campaigns.')))\n"
        "from promo_campaigns import PromoError\n"
        "print('airflow' in sys.modules, 'promo_campaigns.operators' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\nFalse False\n"
