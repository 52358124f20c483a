"""Where in a template something is, and errors that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.model.errors import TemplateError

EXCERPT = 80


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a template: 1-based line and column, and the line's text around it, at most 80 characters."""

    line: int
    column: int
    excerpt: str


def locate(text: str, offset: int) -> Place:
    """Return the place of a character offset."""
    offset = min(max(offset, 0), len(text))
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end]
    column = offset - start
    first = max(0, column - EXCERPT // 2) if len(line) > EXCERPT else 0
    return Place(text.count("\n", 0, offset) + 1, column + 1, line[first : first + EXCERPT].strip("\r"))


def error_at(kind: type[TemplateError], text: str, offset: int, problem: str, hint: str = "") -> TemplateError:
    """Build an error that names a place of the template."""
    place = locate(text, offset)
    return kind(problem, line=place.line, column=place.column, excerpt=place.excerpt, hint=hint)
