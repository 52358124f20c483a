"""Examples of what data sources answer, for texts that are shown or tried before anybody is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run_spec import RunSpec


def read_sample_answers(include: Path, spec: RunSpec) -> dict[str, object]:
    """Read ``data_sources/<name>.answer.json`` of those sources that a message reads the answer of.

    They are no part of the definition: nothing is ever sent with them but a test.

    :raises DefinitionError: one is no JSON
    """
    asked = [source.name for source in spec.data_sources if source.before]
    return {name: read_sample_answer(include, name) for name in asked if has_sample_answer(include, name)}


def has_sample_answer(include: Path, source: str) -> bool:
    """Tell whether there is an example of what a data source answers."""
    return (include / _file(source)).is_file()


def read_sample_answer(include: Path, source: str) -> object:
    """Return the example of what a data source answers.

    :raises DefinitionError: it is no JSON
    """
    try:
        return json.loads((include / _file(source)).read_text(encoding="utf-8"))
    except ValueError as error:
        line = getattr(error, "lineno", None)
        problem = "it is no JSON in UTF-8"
        raise DefinitionError(problem, file=_file(source), line=line, hint="Write what the source answers") from error


def _file(source: str) -> str:
    return f"data_sources/{source}.answer.json"


def notes_on_answers(spec: RunSpec, answers: dict[str, object]) -> list[str]:
    """Say of each data source whose answer the message reads, and of columns, what stands for them."""
    is_asked = spec.audience.listed is not None or not spec.audience.contact_ids
    columns = "values of the audience's columns are the examples that its file declares"
    return [columns] * bool(spec.audience.columns and not is_asked) + [
        f"the answer of {source.name} is the example in data_sources/{source.name}.answer.json"
        if source.name in answers
        else f"the answer of {source.name} is not known before it is asked: texts are rendered without it; "
        f"data_sources/{source.name}.answer.json may hold an example"
        for source in spec.data_sources
        if source.before
    ]
