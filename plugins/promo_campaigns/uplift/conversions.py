"""Reads the SELECT that says what counts as a conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.definitions.definitions import require_name
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.uplift.report import Conversions

if TYPE_CHECKING:
    from pathlib import Path


def read_conversions(include: Path, name: str) -> Conversions:
    """Read ``conversions/<name>.sql``, one SELECT that yields ``contact_id``, ``at`` and, optionally, ``value``.

    :raises DefinitionError: there is no such file, or it is empty
    """
    shown_as = f"conversions/{name}.sql"
    require_name(name, shown_as)
    file = include / shown_as
    if not file.is_file():
        others = sorted(other.stem for other in file.parent.glob("*.sql"))
        problem = "there is no such file"
        raise DefinitionError(problem, file=shown_as, hint=f"Present in that folder: {', '.join(others) or 'none'}")
    text = file.read_text(encoding="utf-8")
    if not text.strip():
        problem = "the file is empty"
        raise DefinitionError(problem, file=shown_as, hint="Write one SELECT that yields contact_id and at")
    return Conversions(name=name, sql=text)
