"""Writes the files of a dry run for a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.hooks.include import include_folder as find_include_folder
from promo_campaigns.hooks.preview_files import files_for
from promo_campaigns.hooks.preview_files import preview_folder as find_preview_folder
from promo_campaigns.model.run_key import run_file_name

if TYPE_CHECKING:
    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.delivery.opening.start import StartRequest
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.preview.rows import PreviewReport


def write_dry_run(  # noqa: PLR0913  (what a run is made of, one keyword each)
    connection: Connection,
    campaign: CompiledCampaign,
    *,
    run_key: str,
    start: StartRequest,
    run_id: int | None = None,
    preview_folder: str | None = None,
    include_folder: str | None = None,
) -> PreviewReport:
    """Write what a run would do to each contact, as CSV and, with pyarrow, as Parquet; return its counts.

    :param run_key: names the files
    :param start: how Start is to open the run, or has opened it
    :param run_id: the run, if it is open
    :param preview_folder: where the files go, on any storage, as blocks are given it
    :param include_folder: where examples of answers are found, as blocks are given it
    """
    from promo_campaigns.definitions.sample_answers import read_sample_answers
    from promo_campaigns.preview.dry_run import write_preview
    from promo_campaigns.preview.rows import COLUMNS
    from promo_campaigns.tables.writers import formats, open_tables

    answers = read_sample_answers(find_include_folder(include_folder), campaign.spec)
    names = [f"{run_file_name(run_key)}.{ending}" for ending in formats()]
    with files_for(find_preview_folder(preview_folder), names) as (files, targets):
        with open_tables(files, COLUMNS) as tables:
            report = write_preview(connection, campaign, tables, run_id=run_id, answers=answers, start=start)
        report.files = targets
    return report
