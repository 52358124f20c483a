-- server --
-- The server, and who is connected to which database.
select current_setting('server_version_num')::integer as version, current_setting('server_encoding') as encoding,
       current_database() as database, current_user as account;

-- has_schema --
-- Whether a migration was ever run here.
select to_regclass('promo.alembic_version') is not null as made;

-- revision --
-- The revision that the schema is at.
select version_num as revision from promo.alembic_version;

-- lacking_rights --
-- Rights on tables that the product needs and that this account does not have.
select c.relname as name, needed.granted as right
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join unnest(array['select', 'insert', 'update', 'delete']) needed(granted)
where n.nspname = 'promo' and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
  and not has_table_privilege(c.oid, needed.granted)
order by c.relname, needed.granted;

-- old_open_runs --
-- The runs that are open for longest.
select run_key, coalesce(approval = 'awaited', false) as awaited,
       floor(extract(epoch from promo.clock() - opened_at) / 3600)::integer as hours
from promo.run
where closed_at is null and opened_at < promo.clock() - make_interval(hours => %(hours)s)
order by opened_at limit %(limit)s;
