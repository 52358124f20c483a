"""Options and arguments that several commands have, and what a shell completes them to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from promo_campaigns.cli.output import Output
from promo_campaigns.model.errors import ConfigurationError

INCLUDE = Path("include")


def _names(folder: str, suffixes: tuple[str, ...], ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the files of a folder of include/ that begin as what was typed."""
    include = Path(str(ctx.params.get("include") or INCLUDE))
    try:
        files = sorted((include / folder).iterdir())
    except OSError:
        return []
    return [file.stem for file in files if file.suffix in suffixes and file.stem.startswith(incomplete)]


def workflow_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a workflow."""
    return _names("workflows", (".yaml", ".yml"), ctx, incomplete)


def message_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a message."""
    return _names("messages", (".yaml", ".yml"), ctx, incomplete)


def audience_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete an audience."""
    return _names("audiences", (".sql", ".yaml", ".yml", ".csv"), ctx, incomplete)


def data_source_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a data source."""
    return [name for name in _names("data_sources", (".yaml", ".yml"), ctx, incomplete) if "." not in name]


def parse_since(text: str) -> datetime | None:
    """Return the instant that ``--since`` names; None for an empty text.

    :raises ConfigurationError: it is no time
    """
    return parse_time("--since", text) if text else None


def parse_time(option: str, text: str) -> datetime:
    """Return the instant that an option names; one without an offset is in UTC.

    :raises ConfigurationError: it is no time
    """
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        msg = f"{option} must be a date or a time, such as 2026-01-31 or 2026-01-31T08:00+02:00, not {text!r}"
        raise ConfigurationError(msg) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def not_empty(ctx: typer.Context, param: typer.CallbackParam, value: str) -> str:
    """Refuse an option that was given with nothing in it, as an unset variable of a shell does.

    To fall back to the environment would be to work on something that nobody named.
    """
    if not value.strip() and getattr(ctx.get_parameter_source(param.name or ""), "name", "") == "COMMANDLINE":
        msg = "it is empty; leave the option out to take what the environment names"
        raise typer.BadParameter(msg)
    return value


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with exact values.")]
Fields = Annotated[
    str, typer.Option("--fields", metavar="A,B", help="Print only these fields, of the JSON or of the table.")
]
Sheet = Annotated[str, typer.Option("--sheet", metavar="NAME", help="The sheet of a workbook that has several.")]
Dsn = Annotated[
    str,
    typer.Option(
        "--dsn",
        metavar="URI",
        help="The database, as postgresql://user:password@host:port/name; else AIRFLOW_CONN_PROMO_DB, "
        "else the running demo's.",
        callback=not_empty,
    ),
]
ConnId = Annotated[
    str,
    typer.Option(
        "--conn-id",
        metavar="ID",
        help="The database, by an Airflow connection: of the environment, or wherever the Airflow here keeps it.",
        callback=not_empty,
    ),
]
Include = Annotated[Path, typer.Option("--include", metavar="FOLDER", help="The folder of campaign files.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most so many, newest first.")]
RunKey = Annotated[
    str, typer.Argument(metavar="RUN_KEY", help="The run: its key, or as much of the beginning as no other run has.")
]
NewestRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN_KEY", help="The run: its key, or as much of the beginning as no other run has; else the newest."
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; promo audit shows it.")]
OneRun = Annotated[str, typer.Argument(metavar="RUN_KEY", help="One run, or give --workflow.")]
AllRuns = Annotated[str, typer.Option("--workflow", metavar="NAME", help="All its runs, in place of one run.")]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Of these, the runs opened since then; UTC without an offset.")
]
Connection = Annotated[
    str,
    typer.Option(
        "--connection",
        metavar="URI",
        help="The connection itself; else AIRFLOW_CONN_<ID> in the environment.",
        callback=not_empty,
    ),
]
Workflow = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW",
        help="A file of include/workflows; the options below change it.",
        autocompletion=workflow_names,
    ),
]
Message = Annotated[
    str,
    typer.Option("--message", metavar="NAME", help="A file of include/messages.", autocompletion=message_names),
]
CodeType = Annotated[str, typer.Option("--type", metavar="TYPE", help="The type of the codes to take.")]
Discount = Annotated[str, typer.Option("--discount", metavar="N", help="Their discount, 0 to 99, exact.")]
Days = Annotated[str, typer.Option("--days", metavar="N", help="Whole days a code must stay valid.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignOptions:
    """The options that say which campaign a command is about, and where it finds files, store and receiver."""

    workflow: Workflow = ""
    message: Message = ""
    code_type: CodeType = ""
    discount: Discount = ""
    days: Days = ""
    include: Include = INCLUDE
    connection: Connection = ""
    dsn: Dsn = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """The options that say how a command prints its result."""

    as_json: AsJson = False
    fields: Fields = ""

    def output(self) -> Output:
        """Return what prints so."""
        return Output(as_json=self.as_json, fields=self.fields)
