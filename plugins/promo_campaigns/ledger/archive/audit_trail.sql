-- old_entries --
-- The oldest entries of the audit, up to the first that is younger than so many days, by their first and last.
select min(audit_id) as first, max(audit_id) as last, count(*) as entries
from (
  select audit_id, bool_and(begun_at < promo.clock() - make_interval(days => %(days)s)) over (order by audit_id) as is_old
  from (select audit_id, begun_at from promo.audit order by audit_id limit %(limit)s) oldest
) looked
where is_old;

-- note_entries --
-- Where a file of these entries will lie.
insert into promo.archive_file (kind, first_id, last_id, path)
values ('audit', %(first)s, %(last)s, %(path)s) returning archive_file_id;

-- read_entries --
-- What the audit says, word for word.
select audit_id, begun_at, finished_at, action, subject, actor, reason, row_count, revealed::integer as revealed,
       broken_off::integer as broken_off
from promo.audit where audit_id between %(first)s and %(last)s order by audit_id;

-- keep_entries --
-- A file of the audit was read back, and holds what was written.
update promo.archive_file set row_count = %(rows)s, digest = %(digest)s, verified_at = promo.clock()
where archive_file_id = %(archive_file_id)s;

-- drop_entries --
-- Entries that are archived go.
select promo.drop_archived_entries(%(first)s, %(last)s) as entries;
