"""The pages of docs/reference that are made of the code: errors, configuration and tables.

Run as a program it writes them; the tables are those of a store that it makes and throws away.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from doc_pages import DOCS
from promo_campaigns.http.form_fields import HTTP_FIELDS
from promo_campaigns.model import errors
from promo_campaigns.model.errors import PromoError
from promo_campaigns.provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from promo_campaigns.postgres.connection import Connection

MADE = "This page is made of the code by `python tests/reference_pages.py`; a test compares them.\n"
_ERRORS = f"""# Errors

Every error that the product raises on purpose is a `PromoError`, so `except PromoError` meets them all; each is offered
by `promo_campaigns` itself. A message says what happened, where, and what to do. It holds no address, no token and no
unmasked code. What the everyday ones look like: [troubleshooting](../troubleshooting.md).

{MADE}
Where the last column says *yes*, the same call may succeed later with nothing changed by hand: a task tries again, and
a command ends with [status 3](command.md#exit-statuses) in place of 2.
"""
_CONFIGURATION = f"""# Configuration

What is set neither in a workflow nor in a file of `include/`. {MADE}
## Options of Airflow, section `[promo_campaigns]`
"""
_CONNECTIONS = """
## Connections and variables

| name | type | what it leads to |
| --- | --- | --- |
| `promo_db` | `postgres` | the store; blocks take another one by `promo_db_conn_id` |
| `promo_profile_api` | `promo_http` or `http` | what records profiles, in the examples of `include/` |
| any other | `promo_http`, `http`, `smtp` | a receiver that a data source or `transport_conn_id` names |
| variable `promo_code_inbox` | | the folder where code files arrive; else `code_inbox` beside the DAGs |

All extras, with examples: [connections](../connections.md). These are the fields of Airflow's form for the type
*Promo HTTP receiver*:
"""
_TABLES = f"""# Tables

The store is the schema `promo` of a Postgres database. Audiences, conversions and reports may read all of it; only the
product writes, and the database refuses changes that would break a promise. {MADE}
Names that are read most: [`contact`](#contact), [`contact_channel`](#contact_channel),
[`contact_field_value`](#contact_field_value), [`run`](#run), [`assignment`](#assignment), [`promo_code`](#promo_code),
[`event`](#event), [`redemption`](#redemption). The states of an assignment: [states](../states.md).
"""
_COLUMNS = """
select c.relname as "table", obj_description(c.oid) as about, a.attname as name,
       format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as needed, col_description(c.oid, a.attnum) as meaning
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'promo'::regnamespace and c.relkind in ('r', 'p', 'v') and c.relname <> 'alembic_version'
order by c.relname, a.attnum
"""


def errors_page() -> str:
    """Return the page of errors."""
    kinds = sorted(
        (getattr(errors, name) for name in errors.__all__), key=lambda kind: (kind is not PromoError, kind.__name__)
    )
    rows = [_row(*_error(kind)) for kind in kinds]
    return "\n".join([_ERRORS, "| error | is a | when | later |", "| --- | --- | --- | --- |", *rows, ""])


def configuration_page() -> str:
    """Return the page of options and of the fields of a connection."""
    options: dict[str, Any] = get_provider_info()["config"]["promo_campaigns"]["options"]
    told = [
        _row(f"`{name}`", one["description"], f"`{one['default']}`" if one["default"] else "", f"`{one['example']}`")
        for name, one in options.items()
    ]
    fields = [_row(f"`{name}`", one["label"], one["description"]) for name, one in HTTP_FIELDS.items()]
    return "\n".join(
        [
            *(_CONFIGURATION, "| option | | default | example |", "| --- | --- | --- | --- |", *told),
            *(_CONNECTIONS, "| extra | field | |", "| --- | --- | --- |", *fields, ""),
        ]
    )


def tables_page(store: Connection) -> str:
    """Return the page of the store's tables."""
    return "\n".join([_TABLES.rstrip("\n"), *_tables(store.execute(_COLUMNS).fetchall())])


def _tables(columns: Iterable[dict[str, Any]]) -> Iterator[str]:
    last = ""
    for column in columns:
        if column["table"] != last:
            last = column["table"]
            yield "\n".join(filter(None, [f"\n## {last}\n", f"{column['about']}\n" if column["about"] else ""]))
            yield "| column | type | |\n| --- | --- | --- |"
        meaning = column["meaning"] or ""
        yield _row(f"`{column['name']}`", column["type"] + ("" if column["needed"] else ", or null"), meaning)
    yield ""


def _error(kind: type[PromoError]) -> tuple[str, str, str, str]:
    about = (inspect.getdoc(kind) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")
    above = ", ".join(f"`{base.__name__}`" for base in kind.__bases__ if issubclass(base, PromoError))
    return f"`{kind.__name__}`", above, about, "yes" if kind.retryable else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the pages."""
    from promo_campaigns.postgres.connection import connect
    from promo_campaigns.postgres.embedded.server import throwaway_postgres
    from promo_campaigns.postgres.migrations import migrate

    with throwaway_postgres() as server:
        migrate(server.dsn("postgres"))
        with connect(server.dsn("postgres")) as store:
            tables = tables_page(store)
    for name, text in (("errors", errors_page()), ("configuration", configuration_page()), ("tables", tables)):
        (DOCS / "reference" / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
