"""Events as the profile API takes them, in the vendor's names (docs/vendor.md)."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003  (pydantic reads the annotation)
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid5

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from promo_campaigns.model.errors import ContactError
from promo_campaigns.model.events import NAME_LENGTH, Event, clean_event_key, clean_event_type, parse_identity
from promo_campaigns.model.typed.strict_json import refuse_constant
from promo_campaigns.profile_api.json_values import storable, text_of
from promo_campaigns.profile_api.moments import parse_moment
from promo_campaigns.profile_api.requests import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_PAST_EVENTS = 500
_TOKENS = UUID("8b1d7d8e-21a5-4b86-9a2a-3d7f1f0f5f7c")
STRUCTURE = (
    "an event is {eventTypeKey, keyValue, params}; without a keyValue, params must hold one of contactId, "
    "externalCustomerId, email, phone and pushToken"
)
"""Part of the answer to an event that names no contact, since the vendor's API gives the required structure too."""


def _named(params: object) -> object:
    """Return parameters as an object, also from a list of ``{name, value}``; the last one of a name counts."""
    if params is None:
        return {}
    if not isinstance(params, list):
        return params
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in params):
        msg = "expected an object, or a list of {name, value}"
        raise ValueError(msg)
    return {one["name"]: one.get("value") for one in params}


def _storable(params: object) -> object:
    if not isinstance(params, dict):
        msg = "expected an object, or a list of {name, value}"
        raise ValueError(msg)  # noqa: TRY004  (pydantic makes a place in the request of it)
    if not all(0 < len(name) <= NAME_LENGTH for name in params):
        msg = f"the name of a parameter has 1 to {NAME_LENGTH} characters"
        raise ValueError(msg)
    return storable(params)


def _cleaned(clean: Callable[[str], str], *, empty_is_absent: bool = False) -> BeforeValidator:
    def validate(value: object) -> str | None:
        if empty_is_absent and (value is None or value == ""):
            return None
        return clean(text_of(value))

    return BeforeValidator(validate)


class EventIn(BaseModel):
    """One event. Further members of a request are accepted and not stored."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    eventTypeKey: Annotated[str, _cleaned(clean_event_type)]  # noqa: N815  (the vendor's name, as the next)
    keyValue: Annotated[str | None, _cleaned(clean_event_key, empty_is_absent=True)] = None  # noqa: N815
    params: Annotated[dict[str, Any], BeforeValidator(_storable), BeforeValidator(_named)] = Field(
        default_factory=dict, validation_alias=AliasChoices("params", "parameters")
    )

    def event(self, *, escaped: bool, token: UUID) -> Event:
        """Return the event as a value of the model.

        :param escaped: arrays and objects came as text, see ``unescaped``
        :param token: the same for a request that is sent again
        :raises RequestError: 400, the event names no contact, an identifier has a wrong form, or JSON that came as
            text cannot be stored
        """
        params = _all_unescaped(self.params) if escaped else self.params
        try:
            identity = parse_identity(params)
        except ContactError as error:
            problem = {"place": error.place, "message": error.problem}
            raise RequestError(400, "the event names its contact wrongly", [problem]) from None
        key = self.keyValue or identity.key
        if key is None:
            raise RequestError(400, STRUCTURE)
        return Event(type=self.eventTypeKey, key=key, identity=identity, params=params, token=token)


class PastEventIn(EventIn):
    """One event that happened earlier."""

    occurred: Annotated[datetime, BeforeValidator(lambda value: parse_moment(text_of(value)))]

    def past_event(self, *, escaped: bool) -> Event:
        """Return the event as a value of the model; the same one again has the same token.

        :raises RequestError: as ``event``
        """
        told = [self.eventTypeKey, self.keyValue, self.occurred.isoformat(), self.params]
        return self.event(escaped=escaped, token=uuid5(_TOKENS, json.dumps(told, sort_keys=True)))


class PastEventsIn(BaseModel):
    """Events that happened earlier; each is checked by itself, so that a wrong one does not refuse the others."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    events: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_PAST_EVENTS)]


def _all_unescaped(params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: storable(value) for name, value in unescaped(params).items()}
    except ValueError as error:
        problem = {"place": "params", "message": f"in JSON that is a text: {error}"}
        raise RequestError(400, "the request is not valid", [problem]) from None


def unescaped(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as version 1 of the resource means them: a text that holds a JSON array or object is that."""
    return {name: _unescaped(value) for name, value in params.items()}


def _unescaped(value: object) -> object:
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return value
