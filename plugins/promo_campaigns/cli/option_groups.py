"""Options that several commands have together: a class names them once, and a command has one parameter for all.

Typer reads the signature of a function. Here a parameter whose type is a group is replaced by the options of the group
before Typer sees it, and the options are put together again when the command runs.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

from promo_campaigns.cli.database import dsn_of_connection
from promo_campaigns.cli.options import ConnId
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_CONN_ID = inspect.Parameter("conn_id", inspect.Parameter.KEYWORD_ONLY, default="", annotation=ConnId)


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


def with_conn_id(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes ``--conn-id`` beside ``--dsn``; one without ``--dsn`` as it is.

    :raises ConfigurationError: when it is called with both, or with a connection that leads to no store
    """
    signature = inspect.signature(function)
    if "dsn" not in signature.parameters:
        return function
    hints = get_type_hints(function, include_extras=True)

    @wraps(function)
    def found(**given: Any) -> Any:  # noqa: ANN401  (what Typer read from the command line)
        if conn_id := given.pop(_CONN_ID.name):
            if given["dsn"]:
                msg = "give --dsn or --conn-id: each of them names the database"
                raise ConfigurationError(msg)
            given["dsn"] = dsn_of_connection(conn_id)
        return function(**given)

    known = [
        one.replace(annotation=hints.get(name, one.annotation), kind=inspect.Parameter.KEYWORD_ONLY)
        for name, one in signature.parameters.items()
    ]
    found.__dict__["__signature__"] = inspect.Signature([*known, _CONN_ID])
    found.__annotations__ = {one.name: one.annotation for one in (*known, _CONN_ID)}
    return found
