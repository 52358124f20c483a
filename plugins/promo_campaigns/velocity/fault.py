"""The engine's own signal that a render has to end; it becomes one of the three template errors."""

from __future__ import annotations

from typing import NoReturn

from promo_campaigns.model.errors import LimitExceededError, TemplateError, TemplateRenderError

LIMIT_HINT = "Let the template do less, or compile it with other Limits"


class Fault(Exception):  # noqa: N818  (never leaves the engine)
    """A render cannot go on.

    :param problem: what is wrong; never holds a value
    :param hint: what to write instead
    :param kind: the error it becomes once its place is known
    """

    def __init__(self, problem: str, hint: str = "", kind: type[TemplateError] = TemplateRenderError) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.kind = kind


def fail(problem: str, hint: str = "") -> NoReturn:
    """End the render: these values cannot be rendered."""
    raise Fault(problem, hint)


def exceeded(what: str, limit: int) -> NoReturn:
    """End the render: more of what is counted than the limit allows."""
    problem = f"{what}: more than {limit}"
    raise Fault(problem, LIMIT_HINT, LimitExceededError)
