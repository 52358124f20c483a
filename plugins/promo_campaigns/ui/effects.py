"""What an act would do, in a sentence and in numbers, before it is done."""

from __future__ import annotations

from typing import Any


def effect(sentence: str, **numbers: int) -> dict[str, Any]:
    """Return an effect."""
    return {"sentence": sentence, "numbers": numbers}


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 contact`` or ``2,000 contacts``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
