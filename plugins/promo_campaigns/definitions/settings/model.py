"""What every model of settings shares: no setting that is not in the model, and where each goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError

EMPTY = "empty"
"""The type of the error of a setting that is written without a value."""


class Consumer(Enum):
    """What takes a setting as an argument, by its name."""

    DAG = "dag"
    """Airflow's DAG."""
    OPENING = "opening"
    """The block that opens a run: Start, or Answer events."""
    START = "start"
    """Start only."""
    EVENTS = "events"
    """Answer events only."""
    APPROVE = "approve"
    MESSAGE = "message"


@dataclass(frozen=True)
class Argument:
    """Marks a setting that is handed on unchanged.

    :param consumer: who takes it
    :param name: the name of the argument, where it is not the setting's
    """

    consumer: Consumer
    name: str = ""


@dataclass(frozen=True)
class FormField:
    """Marks a setting that the trigger form asks for.

    :param title: how the form names it
    """

    title: str


class Settings(BaseModel):
    """Settings by name. A number in place of a text, or the text of a number, is an error and is not converted."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _require_value(cls, value: Any) -> Any:  # noqa: ANN401  (a setting of any type)
        """Refuse ``name:`` with nothing behind it: a setting that is written has a value."""
        if value is None:
            raise PydanticCustomError(EMPTY, "the setting is empty")
        return value


def arguments(settings: Settings, consumer: Consumer) -> dict[str, Any]:
    """Return the settings that go on to a consumer, by its names for them; those of the settings inside as well.

    A setting that was not given is left out if its default says nothing, so that the consumer's own default holds.
    """
    found: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Settings):
            found |= arguments(value, consumer)
        if name in settings.model_fields_set or value or value is False:
            plain = _plain(value)
            marks = [mark for mark in field.metadata if isinstance(mark, Argument) and mark.consumer is consumer]
            found |= {mark.name or name: plain for mark in marks}
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401  (a setting of any type)
    """Return words for enums, and mappings for the settings of a list."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple) and value and isinstance(value[0], Settings):
        return [one.model_dump() for one in value]
    return value


def form_fields(model: type[Settings]) -> dict[str, FormField]:
    """Return the settings of a model that the trigger form asks for."""
    marks = ((name, mark) for name, field in model.model_fields.items() for mark in field.metadata)
    return {name: mark for name, mark in marks if isinstance(mark, FormField)}
