"""One resource of the profile API: what serves it, and what its documentation says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import Depends

from promo_campaigns.profile_api.keys.scopes import allowing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fastapi import FastAPI
    from pydantic import BaseModel

    from promo_campaigns.profile_api.keys.scopes import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One method of one path.

    :ivar call: what serves it; the first line of its docstring is the summary
    :ivar scope: what a key must allow
    :ivar or_scope: what it may allow instead, for a part of what the resource does
    :ivar body: the model of its body, if it has one
    :ivar element: the model of each element of the body's list, if each is checked by itself
    :ivar sent: an example of the body
    :ivar query: schemas of its query parameters
    :ivar path_schema: schemas of its path parameters that are not numbers
    :ivar answer: an example of the answer; a text for one that is plain text
    :ivar errors: statuses that it has besides those which all resources have
    :ivar alias: another path for a client that has it wrong; not in the documentation
    """

    method: str
    path: str
    call: Callable[..., Any]
    scope: Scope
    or_scope: Scope | None = None
    body: type[BaseModel] | None = None
    element: type[BaseModel] | None = None
    sent: object = None
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    path_schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answer: object = None
    errors: tuple[int, ...] = ()
    alias: str = ""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """One of these a key must allow."""
        return (self.scope,) if self.or_scope is None else (self.scope, self.or_scope)


def serve(app: FastAPI, resources: Iterable[Resource]) -> None:
    """Add resources to an application."""
    for one in resources:
        for path in filter(None, (one.path, one.alias)):
            app.add_api_route(
                path,
                one.call,
                methods=[one.method],
                dependencies=[Depends(allowing(one.scopes))],
                include_in_schema=False,
            )
