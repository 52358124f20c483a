"""The preview of a workflow as frames: what each contact of its audience would get."""

from __future__ import annotations

import pickle
from contextlib import suppress
from datetime import datetime, timezone
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from promo_campaigns.definitions.names.check import Texts
from promo_campaigns.definitions.names.store_check import require_fields_read
from promo_campaigns.definitions.sample_answers import read_sample_answers
from promo_campaigns.definitions.settings.model import form_fields
from promo_campaigns.definitions.settings.setting_errors import nearest
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.definitions.workflow_specs import read_workflow_spec
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.frames.columns import FrameColumn, make_frame
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.preview.dry_run import write_preview
from promo_campaigns.preview.rows import COLUMNS
from promo_campaigns.preview.start import as_start_would

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd  # type: ignore[import-untyped]  # it has no types here

    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.preview.rows import PreviewReport

_WORDS = {"state", "reason", "channel"}
_COLUMNS = [FrameColumn(name, "word" if name in _WORDS else kind) for name, kind in COLUMNS.items()]


def preview_parts(  # noqa: PLR0913  (what is previewed, and how it is cut, one keyword each)
    connection: Connection,
    include: Path,
    workflow_id: str,
    given: Mapping[str, object],
    *,
    at: datetime | None,
    chunksize: int | None,
) -> Iterator[pd.DataFrame]:
    """Yield the preview in frames, once it is made; its report, counts only, is in the ``attrs`` of each.

    The rows wait on disk, so that memory is bounded however large the audience is.

    :param chunksize: rows of a frame; all in one frame if there is none
    :raises DefinitionError: the workflow, or a file that it names, is missing or wrong
    :raises ConfigurationError: ``given`` names something that the trigger form has not
    """
    with TemporaryFile() as kept:
        report = _write(connection, include, workflow_id, given, at, kept)
        kept.seek(0)
        yield from (_told(rows, report) for rows in _cut(_parts(kept), chunksize))


def _write(  # noqa: PLR0913, PLR0917  (the same, and where it goes)
    connection: Connection,
    include: Path,
    workflow_id: str,
    given: Mapping[str, object],
    at: datetime | None,
    kept: Any,  # noqa: ANN401  (a file without a name)
) -> PreviewReport:
    files = IncludeFolder(include)
    workflow = check_workflow(files, workflow_id)
    known = {*form_fields(type(workflow)), *form_fields(type(workflow.promo_code))}
    if unknown := sorted(given.keys() - known):
        msg = f"the trigger form of {workflow_id} has no {unknown[0]!r}. {nearest(unknown[0], known)}"
        raise ConfigurationError(msg)
    spec = read_workflow_spec(files, workflow, given)
    require_fields_read(connection, include, Texts.of(spec, event=None, shows_code=False))
    start = as_start_would(workflow, at or datetime.now(tz=timezone.utc))
    answers = read_sample_answers(include, spec)
    tables = [lambda rows: pickle.dump([tuple(row) for row in rows], kept)]
    return write_preview(connection, CompiledCampaign(spec), tables, at=at, answers=answers, start=start)


def _parts(kept: Any) -> Iterator[list[tuple[Any, ...]]]:  # noqa: ANN401  (the same)
    with suppress(EOFError):
        while True:
            yield pickle.load(kept)  # noqa: S301  (what was written above, into a file that has no name)


def _cut(parts: Iterator[list[tuple[Any, ...]]], size: int | None) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Yield the rows in parts of this size; at least one, which may be empty."""
    waiting: list[tuple[Any, ...]] = []
    is_cut = False
    for rows in parts:
        waiting += rows
        while size is not None and len(waiting) >= size:
            yield waiting[:size]
            is_cut, waiting = True, waiting[size:]
    if waiting or not is_cut:
        yield waiting


def _told(rows: Sequence[tuple[Any, ...]], report: PreviewReport) -> pd.DataFrame:
    frame = make_frame(_COLUMNS, ([None if value == "" else value for value in row] for row in rows))
    frame.attrs["report"] = report.as_dict()
    return frame
