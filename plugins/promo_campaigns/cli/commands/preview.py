"""``promo preview``: a campaign as a table, with nothing sent and nothing consumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from promo_campaigns.cli.campaign import Campaign
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import CampaignOptions, OutputOptions, audience_names
from promo_campaigns.cli.output import printable
from promo_campaigns.cli.progress import counted, progress
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.preview.message_diff import DiffReport
    from promo_campaigns.preview.rows import PreviewReport

app = Commands()

Audience = Annotated[
    str, typer.Option("--audience", metavar="NAME", help="A file of include/audiences.", autocompletion=audience_names)
]
HoldOut = Annotated[
    str, typer.Option("--hold-out", metavar="PERCENT", help="Share kept without a code, without a workflow.")
]
Named = Annotated[
    str, typer.Option("--workflow", metavar="NAME", help="The workflow whose hold-out it is, without a WORKFLOW file.")
]
Reuse = Annotated[
    bool, typer.Option("--reuse", help="Without a workflow: a contact that holds such a code is given it again.")
]
At = Annotated[str, typer.Option("--at", metavar="TIME", help="When it is sent, with an offset; else now.")]
Diff = Annotated[
    tuple[str, str] | None,
    typer.Option("--diff", metavar="OLD NEW", help="Compare two messages over the audience, text by text."),
]
Out = Annotated[
    list[Path] | None,
    typer.Option("--out", metavar="FILE", help="Write the table to a .csv or .parquet file; may be given twice."),
]


class _Wanted(NamedTuple):
    """What is to be previewed, beside the campaign itself."""

    campaign: Campaign
    files: Sequence[Path]
    at: str


@app.add(
    "preview",
    "promo preview welcome_push",
    "promo preview welcome_push --discount 15 --out preview.csv",
    "promo preview --message promo_push --audience all_contacts --type Welcome --discount 10 --days 7",
    "promo preview welcome_push --diff promo_push promo_mail",
)
def preview(
    given: CampaignOptions,
    *,
    audience: Audience = "",
    hold_out: HoldOut = "0",
    named: Named = "preview",
    reuse: Reuse = False,
    at: At = "",
    diff: Diff = None,
    out: Out = None,
    form: OutputOptions,
) -> ExitStatus:
    """Show what a campaign would send to whom; nothing is sent or consumed.

    It asks everything that Start asks. The exit status is 1 if Start would refuse to open the run.
    """
    if diff and given.message:
        msg = "say what to preview: a workflow or --message NAME, or --diff OLD NEW, which names the messages itself"
        raise ConfigurationError(msg)
    campaign = replace(Campaign.given(given), audience=audience, named=named, hold_out=hold_out, reuse=reuse)
    output = form.output()
    wanted = _Wanted(campaign, out or [], at)
    if diff:
        compared = _compare(wanted, *diff)
        output.record(compared.as_dict(), _in_words(compared.as_dict()))
        return ExitStatus.OK
    report = _preview(wanted)
    found = report.as_dict()
    shown = {**found, "examples": [example._asdict() for example in report.examples]}
    del found["refusals"]  # they are said at last
    output.record(shown, "\n".join([_in_words(found), *_examples(report), *_refusals(report)]))
    return ExitStatus.NO if report.refusals else ExitStatus.OK


def _examples(report: PreviewReport) -> list[str]:
    lines = []
    for example in report.examples:
        lines += ["", f"to contact {example.contact_id}:"]
        lines += [f"  {printable(line)}" for line in (example.title, "", *example.body.splitlines())]
    return lines


def _refusals(report: PreviewReport) -> list[str]:
    return ["", *(f"Start will refuse: {printable(problem)}" for problem in report.refusals)] if report.refusals else []


def _preview(wanted: _Wanted) -> PreviewReport:
    from promo_campaigns.definitions.sample_answers import read_sample_answers
    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.model.parameters import parse_time
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.dry_run import write_preview
    from promo_campaigns.preview.rows import COLUMNS
    from promo_campaigns.preview.start import AS_USUAL, as_start_would
    from promo_campaigns.tables.writers import open_tables

    campaign = wanted.campaign
    spec, at = campaign.spec(), parse_time("--at", wanted.at)
    answers, notes = read_sample_answers(campaign.include, spec), campaign.notes_on_receivers(spec)
    workflow = campaign.workflow_settings()
    start = as_start_would(workflow, at or datetime.now(tz=timezone.utc)) if workflow else AS_USUAL
    with (
        connect(find_dsn(campaign.dsn)) as connection,
        open_tables(wanted.files, COLUMNS) as tables,
        progress("Contacts previewed") as bar,
    ):
        campaign.require_fields(spec, connection)
        writers = [*tables, counted(lambda _: None, bar)]
        report = write_preview(connection, CompiledCampaign(spec), writers, at=at, answers=answers, start=start)
    report.files = [str(file) for file in wanted.files]
    report.notes += notes
    return report


def _compare(wanted: _Wanted, old_name: str, new_name: str) -> DiffReport:
    from promo_campaigns.definitions.definitions import read_message
    from promo_campaigns.definitions.sample_answers import read_sample_answers
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.preview.dry_run import write_diff
    from promo_campaigns.preview.message_diff import DIFF_COLUMNS
    from promo_campaigns.tables.writers import open_tables

    campaign = wanted.campaign
    old, new = (read_message(campaign.include, name) for name in (old_name, new_name))
    spec = campaign.spec(message=new.name)
    answers = read_sample_answers(campaign.include, spec)
    with (
        connect(find_dsn(campaign.dsn)) as connection,
        open_tables(wanted.files, DIFF_COLUMNS) as tables,
        progress("Comparing the messages"),
    ):
        return write_diff(connection, spec, tables, old=old, new=new, answers=answers)


def _in_words(report: dict[str, Any]) -> str:
    lines = []
    for name, value in report.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {kind}: {count:,}" for kind, count in value.items())]
        elif isinstance(value, list):
            lines += [f"{name}:", *(f"  {printable(line)}" for text in value for line in text.splitlines())]
        else:
            lines.append(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
    return "\n".join(lines)
