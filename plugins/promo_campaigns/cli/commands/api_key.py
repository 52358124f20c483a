"""``promo api-key``: keys of the profile API's clients."""

from __future__ import annotations

from typing import Annotated

import typer

from promo_campaigns.cli.database import find_dsn
from promo_campaigns.cli.groups import Commands
from promo_campaigns.cli.options import AsJson, Dsn, Fields
from promo_campaigns.cli.output import Output
from promo_campaigns.model.errors import ConfigurationError

app = Commands()
_SCOPES = ("read", "contacts", "erase", "events", "orders", "messages")
_USUAL_RATE = 200
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the client is called.")]


def _scopes(names: list[str]) -> list[str]:
    if unknown := [name for name in names if name not in _SCOPES]:
        msg = f"there is no scope {unknown[0]!r}; choose one of {', '.join(_SCOPES)}"
        raise typer.BadParameter(msg)
    return names


@app.add(
    "create",
    "promo api-key create shop --scope contacts --scope orders",
    "promo api-key create reports --scope read --rate 10",
)
def create(
    name: Name,
    *,
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", metavar="SCOPE", callback=_scopes, help=f"What it allows, any of {', '.join(_SCOPES)}."
        ),
    ],
    rate: Annotated[
        int, typer.Option("--rate", metavar="N", min=1, max=100_000, help="Requests a second, of each server.")
    ] = _USUAL_RATE,
    as_json: AsJson = False,
    fields: Fields = "",
    dsn: Dsn = "",
) -> None:
    """Make a key for a client and print it; it is kept nowhere and cannot be shown again.

    Servers know it within a second or two.
    """
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.profile_api.keys.scopes import Scope
    from promo_campaigns.profile_api.keys.store import make_key

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        key = make_key(connection, name, [Scope(one) for one in scope], per_second=rate)
    output.record({"name": name, "key": key, "scopes": sorted(set(scope)), "per_second": rate}, key)


@app.add("list", "promo api-key list", "promo api-key list --json --fields name,revoked_at")
def list_all(*, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """List keys, newest first: whose they are, what they allow, when they were revoked."""
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.profile_api.keys.store import list_keys

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        rows = [{**row, "scopes": ",".join(row["scopes"])} for row in list_keys(connection)]
    output.rows(rows, empty="There are no keys of clients yet.")


@app.add("revoke", "promo api-key revoke shop", "promo api-key revoke shop --json")
def revoke(name: Name, *, as_json: AsJson = False, fields: Fields = "", dsn: Dsn = "") -> None:
    """Revoke the key of a client: servers refuse it within a second or two."""
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.profile_api.keys.store import revoke_key

    output = Output(as_json=as_json, fields=fields)
    with connect(find_dsn(dsn)) as connection:
        if not revoke_key(connection, name):
            problem = f"there is no client {name!r} with a key that is not revoked; see promo api-key list"
            raise ConfigurationError(problem)
    output.record({"name": name, "revoked": True}, f"the key of {name} is revoked")
