"""Takes over a store of before the first release, whose revisions are gone: its schema is the first revision's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.postgres.sql import without_comments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from psycopg import Connection

FORMER_HEAD = "0021_cheap_rows"
"""The last of the former revisions. A store at an older one is first migrated by the version before this one."""

FIRST = "0001_schema"

_MADE = re.compile(
    r"^create (?:unique )?(?:table|index|view|function|type|sequence|trigger) (?:promo\.)?(\w+)", re.MULTILINE
)
_CONSTRAINT = re.compile(r"\bconstraint (\w+)")
_TABLE = re.compile(r"^create table promo\.(?P<name>\w+) \(\n(?P<lines>.*?)^\)", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r'^  "?(?!constraint\b|primary\b|foreign\b|unique\b|check\b)(\w+)', re.MULTILINE)

_FOUND = """
select relname from pg_class where relnamespace = 'promo'::regnamespace
union select typname from pg_type where typnamespace = 'promo'::regnamespace
union select proname from pg_proc where pronamespace = 'promo'::regnamespace
union select conname from pg_constraint where connamespace = 'promo'::regnamespace and convalidated
union select tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'promo'::regnamespace
union select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
  where c.relnamespace = 'promo'::regnamespace and a.attnum > 0 and not a.attisdropped
"""


def take_over(connection: Connection, schema: str, known: Collection[str]) -> None:
    """Mark a store that the former revisions were all applied to as one of the first revision; touch no other.

    :param schema: the SQL of the first revision
    :param known: the revisions that there are now
    :raises ConfigurationError: the store is at a revision that is neither known nor the last of the former ones, or it
        lacks something that the first revision makes
    """
    [revision] = connection.execute("select version_num from promo.alembic_version").fetchone() or (None,)
    if revision is None or revision in known:
        return
    if revision != FORMER_HEAD:
        msg = (
            f"the store is at revision {revision}, which this version of promo_campaigns does not know. If the store "
            "is older, run promo db migrate of the version before this one first; if it is newer, install a newer one"
        )
        raise ConfigurationError(msg)
    found = {name for (name,) in connection.execute(_FOUND)}
    if missing := sorted(set(_made_by(schema)) - found):
        msg = (
            f"the store is at revision {revision} and lacks {', '.join(missing[:5])}: it was changed by hand, or a "
            "migration of the version before this one did not end; run promo db migrate of that version, or restore it"
        )
        raise ConfigurationError(msg)
    connection.execute("update promo.alembic_version set version_num = %s", [FIRST])


def _made_by(schema: str) -> Iterator[str]:
    """Yield the names that a schema gives to what it makes, columns with their table."""
    text = without_comments(schema)
    yield from _MADE.findall(text)
    yield from _CONSTRAINT.findall(text)
    for table in _TABLE.finditer(text):
        yield from (f"{table['name']}.{column}" for column in _COLUMN.findall(table["lines"]))
