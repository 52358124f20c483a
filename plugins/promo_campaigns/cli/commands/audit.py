"""``promo audit``: who exported codes, erased a contact, or changed by hand what a campaign does."""

from __future__ import annotations

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields, Limit
from promo_campaigns.cli.output import Output

app = Commands()


@app.add("audit", "promo audit", "promo audit --limit 5 --json --fields begun_at,actor,subject")
def audit(*, limit: Limit = 50, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """List who exported codes, erased a contact or changed by hand what a campaign does, newest first."""
    from promo_campaigns.postgres.audit import list_audit
    from promo_campaigns.postgres.connection import connect

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        entries = list_audit(connection, limit)
    output.rows(entries, empty="Nobody exported a code, erased a contact or changed anything by hand yet.")
