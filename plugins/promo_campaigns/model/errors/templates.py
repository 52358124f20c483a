"""What is wrong with a Velocity template."""

from __future__ import annotations

from promo_campaigns.model.errors.base import PromoError


class TemplateError(PromoError):
    """A template cannot be compiled or rendered.

    :param problem: what is wrong, as a sentence without a full stop; never holds a rendered value
    :param line: 1-based line of the template, 0 when the error has no place
    :param column: 1-based column, counted in characters, 0 when the error has no place
    :param excerpt: the template's line at fault
    :param hint: what to write instead
    """

    def __init__(self, problem: str, *, line: int = 0, column: int = 0, excerpt: str = "", hint: str = "") -> None:
        self.problem, self.hint, self.line, self.column, self.excerpt = problem, hint, line, column, excerpt
        place = f"line {line}, column {column}: " if line else ""
        shown = f" in {excerpt!r}" if excerpt else ""
        super().__init__(f"{place}{problem}{shown}" + (f". {hint}" if hint else ""))


class TemplateSyntaxError(TemplateError):
    """The template is not Velocity, or uses a directive that is refused."""


class TemplateRenderError(TemplateError):
    """The template cannot be rendered with this contact's values."""


class LimitExceededError(TemplateError):
    """The template asked for more steps, depth, list or output than its limits allow."""
