"""``promo codes``: load code files by hand, withdraw them, and count the stock."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from promo_campaigns.cli.database import add_dsn_option, find_dsn
from promo_campaigns.model.errors import CodeFileError, CodeFileRejectedError, ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from promo_campaigns.cli.parsing import Parsers
    from promo_campaigns.model.load_report import LoadReport

_REFUSED = 1
_SHOWN_REASONS = 20


def add_parser(nouns: Parsers) -> None:
    """Add ``promo codes`` and its verbs."""
    parser = nouns.add_parser("codes", help="load files of promo codes, withdraw them, count the stock")
    verbs = parser.add_subparsers(metavar="ACTION", required=True)

    load = verbs.add_parser("load", help="load a file and print its report; status 1 when nothing was loaded")
    load.add_argument("file", type=Path, metavar="FILE", help="CSV, JSON or XLSX, also packed with gzip")
    load.add_argument("--strict", action="store_true", help="load nothing for one rejected row; inUse is required")
    load.add_argument("--time-zone", default="UTC", metavar="Z", help="zone in which dates are read (default UTC)")
    load.add_argument("--code-only", action="store_true", help="the file holds the one column code: type General")
    load.add_argument("--expires", metavar="DATE", help="when the codes of a code-only file expire")
    load.add_argument("--sheet", default="", metavar="NAME", help="the sheet of a workbook that has several")
    load.set_defaults(run=_load)

    files = verbs.add_parser("files", help="list the files, newest first")
    files.set_defaults(run=_files)

    withdraw = verbs.add_parser("withdraw", help="take the codes of a file out of the pool")
    withdraw.add_argument("code_file_id", type=int, metavar="ID", help="as promo codes files shows it")
    withdraw.set_defaults(run=_withdraw)

    stock = verbs.add_parser("stock", help="count the codes by type and discount")
    stock.add_argument(
        "--levels",
        type=Path,
        nargs="?",
        const=Path("include/stock_levels.yaml"),
        metavar="FILE",
        help="compare it with the levels of a file (include/stock_levels.yaml); status 1 if one is reached",
    )
    stock.set_defaults(run=_stock)

    for verb in (load, files, withdraw, stock):
        verb.add_argument("--json", action="store_true", help="print JSON")
        add_dsn_option(verb)


def _load(args: argparse.Namespace) -> int:
    if args.code_only != (args.expires is not None):
        msg = "--code-only and --expires DATE go together: such a file does not say when its codes expire"
        raise ConfigurationError(msg)
    dsn = find_dsn(args)
    from promo_campaigns.code_files.load import load_code_file
    from promo_campaigns.postgres.connection import connect

    path: Path = args.file
    if not path.is_file():
        msg = f"there is no file {path}"
        raise ConfigurationError(msg)
    with connect(dsn) as connection, path.open("rb") as file:
        try:
            report = load_code_file(
                connection,
                file,
                name=path.name,
                strict=args.strict,
                time_zone=args.time_zone,
                code_only_expiration=args.expires,
                sheet=args.sheet,
            )
        except CodeFileRejectedError as error:
            _print_report(error.report, as_json=args.json, error=str(error))
            return _REFUSED
        except CodeFileError as error:
            _print_error(path.name, error, as_json=args.json)
            return _REFUSED
    _print_report(report, as_json=args.json)
    return 0


def _print_error(name: str, error: CodeFileError, *, as_json: bool) -> None:
    shown = {"file": name, "line": error.line, "error": str(error)}
    print(json.dumps(shown, ensure_ascii=False) if as_json else f"Nothing was loaded. {error}")


def _print_report(report: LoadReport, *, as_json: bool, error: str = "") -> None:
    if as_json:
        print(json.dumps(report.as_dict() | ({"error": error} if error else {}), ensure_ascii=False))
        return
    print(f"file       {report.file}")
    print(f"sha256     {report.sha256}")
    for name in ("rows", "inserted", "updated", "unchanged"):
        print(f"{name:<10} {getattr(report, name):,}")
    print(f"rejected   {report.rejected_count:,}")
    _print_rejects(report)
    if report.already_loaded:
        print(f"These bytes were loaded before with these options, as file {report.code_file_id}; nothing was changed.")
    elif error:
        print(f"Nothing was loaded. {error}")


def _print_rejects(report: LoadReport) -> None:
    for group in report.rejected_by_reason[:_SHOWN_REASONS]:
        print(f"  {group.in_words(report.row_noun)}")
    if len(report.rejected_by_reason) > _SHOWN_REASONS:
        print("  and others for more reasons")
    if report.rejected_count:
        print("  --json names the first 1,000")
    for warning in report.warnings():
        print(f"warning    {warning}")


def _files(args: argparse.Namespace) -> int:
    from promo_campaigns.code_files.stock import code_files
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        rows = [asdict(file) for file in code_files(connection)]
    if not args.json:
        rows = [row | {"sha256": row["sha256"][:12], "withdrawn_at": row["withdrawn_at"] or ""} for row in rows]
    _print_rows(rows, as_json=args.json, empty="No code file was loaded yet.")
    return 0


def _levels(args: argparse.Namespace) -> int:
    from promo_campaigns.code_files.stock_levels import read_levels, read_stock_levels
    from promo_campaigns.postgres.connection import connect

    levels = read_stock_levels(args.levels)
    with connect(find_dsn(args)) as connection:
        states = read_levels(connection, levels)
    rows = [asdict(state) | {"reached": state.reached} for state in states]
    if not args.json:
        rows = [row | {"told_at": row["told_at"] or "", "reached": "yes" if row["reached"] else ""} for row in rows]
    _print_rows(rows, as_json=args.json, empty="The file sets no levels.")
    return _REFUSED if any(state.reached for state in states) else 0


def _stock(args: argparse.Namespace) -> int:
    if args.levels is not None:
        return _levels(args)
    from promo_campaigns.code_files.stock import stock
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        rows = [asdict(row) for row in stock(connection)]
    _print_rows(rows, as_json=args.json, empty="There are no codes yet.")
    return 0


def _withdraw(args: argparse.Namespace) -> int:
    from promo_campaigns.code_files.load import withdraw_code_file
    from promo_campaigns.postgres.connection import connect

    with connect(find_dsn(args)) as connection:
        report = withdraw_code_file(connection, args.code_file_id)
    if args.json:
        print(json.dumps(asdict(report), ensure_ascii=False, default=str))
        return 0
    print(f"{report.file}: left the pool {report.withdrawn:,}, issued {report.issued_count:,}")
    for code in report.issued:
        print(f"  line {code.line}: {code.code}, issued {code.issued_at:%Y-%m-%d %H:%M} UTC")
    if report.issued_count > len(report.issued):
        print(f"  and {report.issued_count - len(report.issued):,} more")
    return 0


def _print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
    elif not rows:
        print(empty)
    else:
        table = [list(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _shown(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "isoformat") else str(value)
