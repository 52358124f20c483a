"""``promo sending``: the one switch that stops all sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Reason
from promo_campaigns.cli.output import Output

if TYPE_CHECKING:
    from promo_campaigns.model.oversight.halt import Halt

app = Commands()


@app.add("stop", 'promo sending stop --reason "wrong prices"')
def stop(*, reason: Reason = "", as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Stop all sending: in whatever run, nobody is given a code or sent to until promo sending start.

    Once this returns no message is begun; those under way come to their end. Tasks wait meanwhile, without a worker.
    """
    from promo_campaigns.ledger.interventions import stop_sending
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        _tell(stop_sending(connection, reason=reason), output)


@app.add("start", "promo sending start")
def start(*, reason: Reason = "", as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> ExitStatus:
    """Let runs send again; their tasks go on within a minute.

    The exit status is 1 if sending was not stopped.
    """
    from promo_campaigns.ledger.interventions import start_sending
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        started = start_sending(connection, reason=reason)
    output.record({"started": started}, "Runs send again." if started else "Sending was not stopped.")
    return ExitStatus.OK if started else ExitStatus.NO


@app.add("status", "promo sending status", "promo sending status --json")
def status(*, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> ExitStatus:
    """Tell whether all sending is stopped, since when, by whom and why.

    The exit status is 1 if it is.
    """
    from promo_campaigns.ledger.interventions import read_stop
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        halt = read_stop(connection)
    _tell(halt, output)
    return ExitStatus.OK if halt is None else ExitStatus.NO


def _tell(halt: Halt | None, output: Output) -> None:
    record = {
        "stopped": halt is not None,
        "at": halt.at if halt else None,
        "by": halt.by if halt else None,
        "reason": (halt.reason or None) if halt else None,
    }
    text = str(halt) if halt else "runs may send"
    output.record(record, f"{text[0].upper()}{text[1:]}.")
