"""What authors declare that texts may read: additional fields and parameters of events, in ``include/fields.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.definitions.yaml_file import YamlFile
from promo_campaigns.model.contact_rules import FIELD_TYPES
from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from promo_campaigns.model.contacts import Field

FILE = "fields.yaml"
_FIELDS, _EVENTS = "fields", "events"


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared; nothing where there is no file.

    :ivar fields: the type of each additional field
    :ivar events: the parameters of each type of event: their names, or an example of them by name
    :ivar lines: where each field stands
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    lines: Mapping[str, int | None] = field(default_factory=dict)


def read_declared(include: Path) -> Declared:
    """Read ``fields.yaml``.

    :raises DefinitionError: it is wrong
    """
    if not (include / FILE).is_file():
        return Declared()
    file = YamlFile(include / FILE, shown_as=FILE)
    for name in file.value:
        if name not in {_FIELDS, _EVENTS}:
            file.fail(f"there is no setting {name!r}", setting=(name,), hint=nearest(name, [_FIELDS, _EVENTS]))
    fields, events = _mapping(file, _FIELDS), _mapping(file, _EVENTS)
    for name, kind in fields.items():
        if kind not in FIELD_TYPES:
            hint = nearest(str(kind), FIELD_TYPES)
            file.fail(f"a field cannot be of the type {kind!r}", setting=(_FIELDS, name), hint=hint)
    return Declared(
        fields=fields,
        events={name: _parameters(file, name, given) for name, given in events.items()},
        lines={name: file.line(_FIELDS, name) for name in fields},
    )


def _parameters(file: YamlFile, event: str, given: object) -> dict[str, object]:
    """Return the parameters of an event, each with an example, None where only its name is given."""
    if isinstance(given, dict):
        return given
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        hint = "Write their names, such as [order, items], or an example, such as {order: A-7, items: [{sku: 7}]}"
        file.fail("the parameters of an event are a list of names", setting=(_EVENTS, event), hint=hint)
    return dict.fromkeys(given)


def require_fields(declared: Declared, read: Collection[str], present: Collection[Field]) -> None:
    """Make sure that the store has the fields that a campaign reads, as they are declared.

    :param read: names of declared fields
    :param present: the fields in the store
    :raises DefinitionError: one is not there, or is of another type
    """
    types = {one.name: one.type for one in present}
    for name in read:
        line = declared.lines[name]
        if name not in types:
            problem = f"the store has no field {name!r}, which the message or a data source of it reads"
            command = f'promo contacts field "{name}" --type {declared.fields[name]}'
            raise DefinitionError(problem, file=FILE, line=line, hint=f"{nearest(name, types)} To make it: {command}")
        if types[name] != declared.fields[name]:
            problem = f"the field {name!r} is of the type {types[name]!r} in the store, not {declared.fields[name]!r}"
            raise DefinitionError(problem, file=FILE, line=line, hint=f"Write '{name}: {types[name]}'")


def _mapping(file: YamlFile, name: str) -> dict[str, Any]:
    value = file.value.get(name)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        file.fail(f"{name!r} must map names to what they are", setting=(name,))
    return value
