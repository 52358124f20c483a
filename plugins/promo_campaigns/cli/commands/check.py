"""``promo check``: whether the promises of the ledger hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields
from promo_campaigns.cli.output import Output
from promo_campaigns.cli.progress import progress

if TYPE_CHECKING:
    from promo_campaigns.ledger.invariants import Violation

app = Commands()


@app.add("check", "promo check", "promo check --run welcome/edition/spring", "promo check --json")
def check(
    *,
    run: Annotated[str, typer.Option("--run", metavar="KEY", help="Of this run only, not of the whole store.")] = "",
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> ExitStatus:
    """Check the promises of the ledger.

    Prints what breaks them, or how many hold. The exit status is 1 if one is broken.
    """
    output = Output(as_json=as_json, fields=fields)
    broken = _check(find_dsn(dsn), run)
    _tell(broken, output)
    return ExitStatus.NO if broken else ExitStatus.OK


def _check(dsn: str, run: str) -> list[Violation]:
    from promo_campaigns.ledger.invariants import check_invariants, check_store
    from promo_campaigns.ledger.run_list import find_run
    from promo_campaigns.postgres.connection import connect

    with progress("Checking the invariants") as bar:
        if not run:
            return check_store(dsn, lambda statement: bar.update(label=f"Checking {statement}"))
        with connect(dsn) as connection:
            return check_invariants(connection, find_run(connection, run).run_id)


def _tell(broken: list[Violation], output: Output) -> None:
    from promo_campaigns.ledger.invariants import promises

    if output.is_plain:
        for violation in broken:
            print(f"{violation.invariant}: {violation.count:,} rows")
            print("\n".join(f"  {row}" for row in violation.rows))
    if broken and output.is_plain:
        return
    output.rows([asdict(violation) for violation in broken], empty=f"{len(promises())} invariants hold")
