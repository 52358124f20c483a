"""Options that several commands have together: a class names them once, and a command has one parameter for all.

Typer reads the signature of a function. Here a parameter whose type is a group is replaced by the options of the group
before Typer sees it, and the options are put together again when the command runs.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def spelled_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes the options of each group by their own names.

    :param function: a group is a parameter without a default whose type is a dataclass; its fields are the options
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if name != "return" and is_dataclass(hint)}
    if not groups:
        return function
    options = {name: list(_options(group)) for name, group in groups.items()}

    @wraps(function)
    def with_groups(**given: Any) -> Any:  # noqa: ANN401  (what Typer read from the command line)
        for name, group in groups.items():
            given[name] = group(**{option.name: given.pop(option.name) for option in options[name]})
        return function(**given)

    found: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        one = parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        found += options.get(parameter.name, [one])
    with_groups.__dict__["__signature__"] = inspect.Signature(found)
    with_groups.__annotations__ = {option.name: option.annotation for option in found}
    return with_groups


def _options(group: Any) -> Iterator[inspect.Parameter]:  # noqa: ANN401  (a dataclass)
    hints = get_type_hints(group, include_extras=True)
    for option in fields(group):
        default = inspect.Parameter.empty if option.default is MISSING else option.default
        yield inspect.Parameter(
            option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[option.name]
        )
