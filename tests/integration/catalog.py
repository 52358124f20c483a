"""What the server's catalogs say of the schema: everything that two stores of one release have in common."""

from __future__ import annotations

from typing import Any

import psycopg

_CATALOG = """
select 'column', c.relname, a.attname, concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attidentity, a.attstattarget, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid),
    col_description(c.oid, a.attnum), a.attacl)
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
  where c.relnamespace = 'promo'::regnamespace and c.relkind in ('r', 'v')
union all select 'relation', c.relname, c.relkind::text,
    concat_ws(' ', c.reloptions, obj_description(c.oid, 'pg_class'), c.relacl, c.relpersistence,
              case when c.relkind = 'v' then pg_get_viewdef(c.oid) end)
  from pg_class c where c.relnamespace = 'promo'::regnamespace
union all select 'sequence', s.schemaname, s.sequencename, concat_ws(' ', data_type, start_value, increment_by, cycle)
  from pg_sequences s where s.schemaname = 'promo'
union all select 'type', t.typname, t.typtype::text, string_agg(e.enumlabel, ' ' order by e.enumsortorder)
  from pg_type t left join pg_enum e on e.enumtypid = t.oid where t.typnamespace = 'promo'::regnamespace group by 2, 3
union all select 'constraint', conrelid::regclass::text, conname,
    concat_ws(' ', pg_get_constraintdef(oid), convalidated, obj_description(oid, 'pg_constraint'))
  from pg_constraint where connamespace = 'promo'::regnamespace and contype <> 'n'
union all select 'index', indrelid::regclass::text, indexrelid::regclass::text,
    concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
  from pg_index where indrelid in (select oid from pg_class where relnamespace = 'promo'::regnamespace)
union all select 'trigger', tgrelid::regclass::text, tgname, concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
  from pg_trigger where not tgisinternal
union all select 'function', '', oid::regprocedure::text,
    concat_ws(' ', pg_get_functiondef(oid), obj_description(oid, 'pg_proc'), proacl)
  from pg_proc where pronamespace = 'promo'::regnamespace
union all select 'schema', nspname, '', concat_ws(' ', nspacl, obj_description(oid, 'pg_namespace'))
  from pg_namespace where nspname = 'promo'
order by 1, 2, 3
"""


def schema_of(dsn: str) -> list[Any]:
    """Return a row for everything that the schema of a database has, with its definition and comment."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set search_path = pg_catalog")  # so that every definition names its schema
        return connection.execute(_CATALOG).fetchall()
