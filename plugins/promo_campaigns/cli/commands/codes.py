"""``promo codes``: load code files by hand or generate codes, withdraw them, and count the stock."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Reason, Sheet
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress, reading_file
from promo_campaigns.model.errors import CodeFileError, CodeFileRejectedError, ConfigurationError
from promo_campaigns.model.load_report import named_by_json

if TYPE_CHECKING:
    from promo_campaigns.code_files.code_terms import CodeTerms
    from promo_campaigns.code_files.generate import GeneratedCodes
    from promo_campaigns.code_files.load import WithdrawalReport
    from promo_campaigns.model.load_report import LoadReport

app = Commands()
_SHOWN_REASONS = 20

Strict = Annotated[
    bool, typer.Option("--strict", help="Load nothing if one row is rejected; the column inUse is required.")
]
TimeZone = Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="The zone in which dates are read.")]
CodeOnly = Annotated[bool, typer.Option("--code-only", help="The file holds the one column code; the type is General.")]
Expires = Annotated[str, typer.Option("--expires", metavar="DATE", help="When the codes of a code-only file expire.")]


@app.add(
    "load",
    "promo codes load include/samples/promo_codes.csv",
    "promo codes load codes.xlsx --strict --time-zone Europe/Kyiv",
    "promo codes load plain.csv --code-only --expires 2030-12-31",
)
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON or XLSX, also packed with gzip.")],
    *,
    strict: Strict = False,
    time_zone: TimeZone = "UTC",
    code_only: CodeOnly = False,
    expires: Expires = "",
    sheet: Sheet = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Load a code file and print its report.

    A wrong row is left out and named by its line. The exit status is 1 if nothing was loaded.
    """
    _require_loadable(file, code_only=code_only, expires=expires)
    output = Output(as_json=as_json, fields=fields)
    try:
        report = _load(
            file,
            find_dsn(dsn),
            strict=strict,
            time_zone=time_zone,
            code_only_expiration=expires or None,
            sheet=sheet,
        )
    except CodeFileRejectedError as error:
        output.record(error.report.as_dict() | {"error": str(error)}, _in_words(error.report, str(error)))
        return ExitStatus.NO
    except CodeFileError as error:
        shown = {"file": file.name, "line": error.line, "error": str(error)}
        output.record(shown, f"Nothing was loaded. {error}")
        return ExitStatus.NO
    output.record(report.as_dict(), _in_words(report))
    return ExitStatus.OK


def _require_loadable(file: Path, *, code_only: bool, expires: str) -> None:
    if code_only != bool(expires):
        msg = "--code-only and --expires DATE go together: such a file does not say when its codes expire"
        raise ConfigurationError(msg)
    if not file.is_file():
        msg = f"there is no file {file}"
        raise ConfigurationError(msg)


def _load(file: Path, dsn: str, **options: Any) -> LoadReport:  # noqa: ANN401  (options of the load)
    from promo_campaigns.code_files.load import load_code_file
    from promo_campaigns.postgres.connection import connect

    with connect(dsn) as connection, reading_file(file) as stream:
        return load_code_file(connection, stream, name=file.name, **options)


def _in_words(report: LoadReport, error: str = "") -> str:
    lines = [f"file       {report.file}", f"sha256     {report.sha256}"]
    lines += [f"{name:<10} {getattr(report, name):,}" for name in ("rows", "inserted", "updated", "unchanged")]
    lines.append(f"rejected   {report.rejected_count:,}")
    lines += _rejects(report)
    if report.already_loaded:
        lines.append(
            f"These bytes were loaded before with these options, as file {report.code_file_id}; nothing was changed."
        )
    elif error:
        lines.append(f"Nothing was loaded. {error}")
    return "\n".join(lines)


def _rejects(report: LoadReport) -> list[str]:
    groups = report.rejected_by_reason
    lines = [f"  {group.in_words(report.row_noun)}" for group in groups[:_SHOWN_REASONS]]
    if len(groups) > _SHOWN_REASONS:
        lines.append("  and others for more reasons")
    if report.rejected_count > 1:
        lines.append(f"  {named_by_json(report.rejected_count)}")
    return lines + [f"warning    {warning}" for warning in report.warnings()]


@app.add(
    "generate",
    "promo codes generate 100000 --type Spring --discount 15 --expires 2027-03-31 --pattern 'SPRING-????-????'",
    "promo codes generate 500 --type VIP --expires 2027-03-31 --pattern 'VIP-????????' --output vip.csv --json",
)
def generate(
    count: Annotated[int, typer.Argument(metavar="COUNT", help="How many codes.", min=1)],
    *,
    code_type: Annotated[str, typer.Option("--type", metavar="TYPE", help="Their type.")],
    expires: Annotated[str, typer.Option("--expires", metavar="DATE", help="When they expire.")],
    pattern: Annotated[
        str, typer.Option("--pattern", metavar="PATTERN", help="What they look like; each ? is drawn. Quote it.")
    ],
    discount: Annotated[int, typer.Option("--discount", metavar="N", min=0, max=99, help="Their discount.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The file for the shop; else named by the codes.")
    ] = None,
    key: Annotated[
        str, typer.Option("--key", metavar="NAME", help="What makes two calls one set; else the name of the file.")
    ] = "",
    starts: Annotated[str, typer.Option("--starts", metavar="DATE", help="Before when none of them is given.")] = "",
    attributes: Annotated[
        list[str] | None,
        typer.Option("--attribute", metavar="NAME=VALUE", help="What their contacts must have. Again for another."),
    ] = None,
    time_zone: TimeZone = "UTC",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Draw codes that nobody can guess, into the pool and into a file for the shop.

    The same call again makes no other codes, and writes the file again if it is gone. The file is a code file.
    """
    from promo_campaigns.code_files.code_terms import CodeTerms
    from promo_campaigns.code_files.generate import generate_codes
    from promo_campaigns.code_files.shop_file import LocalShopFile
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    terms = CodeTerms(
        count=count,
        pattern=pattern,
        type=code_type,
        discount=discount,
        expires=expires,
        time_zone=time_zone,
        starts=starts,
        attributes=dict(_pair(one) for one in attributes or ()),
    )
    place = file or Path(re.sub(r"[^\w.-]+", "-", f"{code_type}-{discount}-{expires}") + ".csv")
    with connect(find_dsn(dsn)) as connection, progress("Generating the codes"):
        made = generate_codes(connection, terms, LocalShopFile(place), key=key)
    output.record(asdict(made), _generated_in_words(made, terms, place))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        msg = f"--attribute must be a name and a value, such as store=Kyiv, not {text!r}"
        raise ConfigurationError(msg)
    return name.lower(), value


def _generated_in_words(made: GeneratedCodes, terms: CodeTerms, place: Path) -> str:
    pool = f"type {terms.type}, discount {terms.discount}, expiring {terms.expires}"
    lines = [
        f"file       {place}" + ("" if made.written else ", as it lay there"),
        f"sha256     {made.sha256}",
        f"codes      {made.codes:,} of {made.pattern}: {pool}",
        f"guessing   one guess in {made.guesses_per_hit:,} of this pattern hits a code",
    ]
    if made.already_made:
        lines.append(f"The set {made.key} was made before, as file {made.code_file_id}; no code was drawn.")
    return "\n".join(lines)


@app.add("files", "promo codes files", "promo codes files --json --fields code_file_id,name")
def files(*, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """List the code files that were loaded, newest first."""
    from promo_campaigns.code_files.stock import code_files
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        rows = [asdict(file) for file in code_files(connection)]
    if not as_json:
        rows = [row | {"sha256": row["sha256"][:12]} for row in rows]
    output.rows(rows, empty="No code file was loaded yet.")


@app.add("withdraw", "promo codes withdraw 3")
def withdraw(
    code_file_id: Annotated[int, typer.Argument(metavar="ID", help="The file's id, as promo codes files shows it.")],
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Take the codes of a file out of the pool, and list those that contacts hold already, masked."""
    from promo_campaigns.code_files.load import withdraw_code_file
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection, progress("Withdrawing the codes"):
        report = withdraw_code_file(connection, code_file_id, reason=reason)
    output.record(asdict(report), _withdrawn_in_words(report))


def _withdrawn_in_words(report: WithdrawalReport) -> str:
    lines = [f"{report.file}: left the pool {report.withdrawn:,}, issued {report.issued_count:,}"]
    lines += [f"  line {code.line}: {code.code}, issued {code.issued_at:%Y-%m-%d %H:%M} UTC" for code in report.issued]
    if report.issued_count > len(report.issued):
        lines.append(f"  and {report.issued_count - len(report.issued):,} more")
    return "\n".join(lines)


@app.add(
    "stock",
    "promo codes stock",
    "promo codes stock --levels include/stock_levels.yaml",
    "promo codes stock --json --fields type,discount,free",
)
def stock(
    *,
    levels: Annotated[
        Path | None,
        typer.Option("--levels", metavar="FILE", help="Compare it with the levels of this file, and tell nobody."),
    ] = None,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Count the codes by type and discount.

    With --levels the exit status is 1 if a level is reached.
    """
    output = Output(as_json=as_json, fields=fields)
    if levels is not None:
        return _compare(levels, dsn, output)
    from promo_campaigns.code_files.stock import stock as count_stock
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(dsn)) as connection:
        rows = [asdict(row) for row in count_stock(connection)]
    without = {name for name in ("attributes",) if not any(row[name] for row in rows)}
    columns = [name for row in rows[:1] for name in row if name not in without]
    output.rows(rows, empty="There are no codes yet.", columns=columns)
    return ExitStatus.OK


def _compare(file: Path, dsn: str, output: Output) -> ExitStatus:
    from promo_campaigns.code_files.stock_levels import read_levels
    from promo_campaigns.definitions.stock_level_file import read_stock_levels
    from promo_campaigns.postgres.connection import connect

    levels = read_stock_levels(file)
    with connect(find_dsn(dsn)) as connection:
        states = read_levels(connection, levels)
    output.rows([asdict(state) | {"reached": state.reached} for state in states], empty="The file sets no levels.")
    return ExitStatus.NO if any(state.reached for state in states) else ExitStatus.OK
