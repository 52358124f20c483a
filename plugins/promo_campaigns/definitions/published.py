"""What is published about the settings of a workflow: a JSON schema for editors, and a page of the docs.

``make published`` writes both files anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo_campaigns.definitions.settings.settings_schema import resolved, schema_of
from promo_campaigns.definitions.workflow import IDENTITY, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.definitions.settings.settings_schema import Schema

_HEAD = """\
# Settings of a workflow

<!-- Written by `make published` from `plugins/promo_campaigns/definitions/workflow.py`. Change that. -->

A workflow is `include/workflows/<name>.yaml`, or `PromoWorkflow(workflow_id="<name>", ...)` in Python, with the same
settings. `promo workflows check` names what is wrong with a file by line; `promo workflows schema` prints the JSON
schema for an editor.
"""
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "settings",
}


def file_schema() -> Schema:
    """Return the JSON schema of a workflow file: that of a workflow without what the file's name says."""
    schema = dict(schema_of(Workflow))
    schema["properties"] = {name: form for name, form in schema["properties"].items() if name != IDENTITY}
    schema["required"] = [name for name in schema["required"] if name != IDENTITY]
    return schema


def schema_text() -> str:
    """Return the JSON schema of a workflow file, as it is published."""
    return json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n"


def reference_text() -> str:
    """Return the page that lists every setting, in Markdown."""
    schema = file_schema()
    tables = [_table(schema, schema)]
    for name, form in schema["properties"].items():
        tables += _tables_inside(schema, name, form)
    return "\n".join([_HEAD, *tables])


def _tables_inside(schema: Schema, name: str, form: Schema) -> Iterator[str]:
    """Yield the tables of a setting that holds settings, or a list of such, and of what is in these."""
    for inside in _forms(schema, form):
        held = resolved(schema, inside.get("items", inside))
        if "properties" in held:
            yield f"## `{name}`: {_sentence(held['description'])}\n\n{_table(schema, held)}"
            for below, deeper in held["properties"].items():
                yield from _tables_inside(schema, f"{name}.{below}", deeper)


def _forms(schema: Schema, form: Schema) -> list[Schema]:
    return [resolved(schema, one) for one in form.get("oneOf", [form])]


def _table(schema: Schema, form: Schema) -> str:
    rows = [*_rows(schema, form)]
    return "\n".join(["| setting | value | default | |", "| --- | --- | --- | --- |", *rows, ""])


def _rows(schema: Schema, form: Schema) -> Iterator[str]:
    for name, inside in form["properties"].items():
        required = name in form["required"]
        default = "required" if required else f"`{_plain(inside['default'])}`" if "default" in inside else ""
        kinds = " or ".join(dict.fromkeys(_kind(one) for one in _forms(schema, inside)))
        yield f"| `{name}` | {kinds} | {default} | {_cell(inside['description'])} |"


def _kind(form: Schema) -> str:
    if "enum" in form:
        return ", ".join(f"`{word}`" for word in form["enum"])
    return _KINDS[form["type"]]


def _plain(value: Any) -> str:  # noqa: ANN401  (a default of any type)
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(text: str) -> str:
    return text.splitlines()[0].rstrip(".")


FILES: dict[str, Callable[[], str]] = {
    "include/workflows/workflow.schema.json": schema_text,
    "docs/reference/workflow.md": reference_text,
}
"""What is published, by its place in the repository."""


def write_published(root: Path) -> None:
    """Write the published files.

    :param root: the repository
    """
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write_published(Path(sys.argv[1]))
