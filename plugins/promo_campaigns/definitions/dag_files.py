"""The Python files from which Airflow makes DAGs, and those that it will not look into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WORDS = (b"airflow", b"dag")
_OURS = re.compile(rb"\b(?:PromoWorkflow|load_workflows)\b")
_HINT = "Write both words, airflow and dag, into its first comment"


def skipped_files(dags: Path) -> Iterator[DefinitionError]:
    """Yield an error for each file with workflows that Airflow's safe mode does not read.

    :param dags: the folder of DAGs; a missing one holds nothing
    """
    for file in sorted(dags.rglob("*.py")):
        try:
            text = file.read_bytes()
        except OSError:
            continue  # Airflow cannot read it either, and says so
        if _OURS.search(text) and not all(word in text.lower() for word in _WORDS):
            problem = "Airflow's safe mode skips it, so that its workflows are no DAGs"
            yield DefinitionError(problem, file=f"{dags.name}/{file.relative_to(dags)}", hint=_HINT)
