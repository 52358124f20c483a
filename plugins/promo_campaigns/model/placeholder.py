"""The code that stands for a code where none may be given out. It can never be in the pool."""

from __future__ import annotations

PLACEHOLDER = "TEST-NO-CODE"
"""The database refuses a code that begins like it, in any case, and so does the reader of code files."""


def is_placeholder(code: str) -> bool:
    """Tell whether a code would be taken for the placeholder."""
    return code.upper().startswith(PLACEHOLDER)
