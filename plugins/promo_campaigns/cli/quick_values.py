"""Plain values of options without pydantic, which Typer loads for each of them and which takes longer than a command.

Only what needs no judgement is done here: a default, a text, a path, a plain number. Everything else, and every error,
stays Typer's. A Typer without these hooks is only slower.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

Theirs: TypeAlias = Any
"""An object of Typer's inside, which it publishes no type of."""


class QuickValues:
    """Mixed into a command or a group: its parameters take plain values the quick way."""

    get_params: Theirs

    def parse_args(self, ctx: Theirs, args: list[str]) -> list[str]:
        """Take the words of a command line."""
        for parameter in self.get_params(ctx):
            usual = getattr(parameter, "get_runtime_param", None)
            if usual and not isinstance(usual, _Quick):
                parameter.get_runtime_param = _Quick(parameter.type_descriptor, usual)
        words: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]  # of the class this is mixed into
        return words


class _Quick:
    """Stands in for what turns the words of one parameter into its value.

    :param described: the parameter's type, as Typer describes it
    :param usual: makes Typer's own, and loads pydantic
    """

    def __init__(self, described: Theirs, usual: Theirs) -> None:
        self._described = described
        self._usual = usual

    def __call__(self) -> _Quick:
        return self

    def coerce(self, value: object, *, param: Theirs, ctx: Theirs) -> object:
        """Return the value of a parameter."""
        wanted = self._described.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if wanted is Path and isinstance(value, str | Path):
            return Path(value)
        if wanted in (str, int, float) and type(value) is wanted:
            return value
        if wanted is int and isinstance(value, str) and value.isdecimal() and not self._described.is_ranged:
            return int(value)
        return self._usual().coerce(value, param=param, ctx=ctx)
