"""The third-party transport that the README shows, taken out of it."""

from __future__ import annotations

import re
from pathlib import Path

_README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
_SECTION = _README.partition("### A transport of your own")[2]


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", _SECTION, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README shows no {language} for a transport"
    return found[1]


README_TRANSPORT = _block("python")
README_PROJECT = _block("toml")
