"""What JSON may hold (RFC 8259): finite numbers, and text that can be encoded in UTF-8."""

from __future__ import annotations

from typing import NoReturn


def refuse_constant(name: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``, which Python reads and writes and JSON does not have: as ``parse_constant``.

    :raises ValueError: always
    """
    raise ValueError(name)


def is_encodable(text: str) -> bool:
    """Tell whether a text can be encoded: one with half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
