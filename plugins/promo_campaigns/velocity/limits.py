"""How much a template may ask for."""

from __future__ import annotations

from dataclasses import dataclass

MOST_DIGITS = 4_000
"""Python refuses to convert numbers of more than 4,300 digits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one template and of one render; exceeding one raises `LimitExceededError`.

    :param template: characters of template text
    :param nodes: references, directives and expressions of a template
    :param nesting: directives, brackets and strings open at once
    :param loops: `#foreach` open at once
    :param steps: nodes evaluated in loops and macros, plus the work of methods, per render
    :param macro_depth: macro calls open at once (the reference engine's own limit is 20)
    :param items: elements of a list or map that is built, walked or copied
    :param string: characters of a string that is built
    :param digits: decimal digits of a whole number that is built
    :param output: characters of the result
    """

    template: int = 300_000
    nodes: int = 2_500
    nesting: int = 30
    loops: int = 12
    steps: int = 40_000
    macro_depth: int = 20
    items: int = 10_000
    string: int = 100_000
    digits: int = 400
    output: int = 400_000

    def __post_init__(self) -> None:
        if self.digits > MOST_DIGITS:
            problem = f"at most {MOST_DIGITS} digits can be converted"
            raise ValueError(problem)
