"""The third-party transport that the README shows, taken out of it."""

from __future__ import annotations

import re
from pathlib import Path

_README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def _block(language: str, line: str) -> str:
    """Return the block of a language in which a line begins so."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", _README, re.MULTILINE | re.DOTALL)
    [found] = [block for block in blocks if re.search(line, block, re.MULTILINE)]
    return str(found)


README_TRANSPORT = _block("python", r"^class \w+\(HttpTransport\):")
README_PROJECT = _block("toml", r"^\[project\.entry-points\.\"promo_campaigns\.transports\"\]")
