-- begin_entry --
-- Notes what is about to be done, and by whom.
insert into promo.audit (action, subject, revealed, actor, reason)
values (%(action)s, %(subject)s, %(revealed)s, %(actor)s || ' as ' || session_user, %(reason)s)
returning audit_id;

-- finish_entry --
-- Notes that it is done or broke off, and how many rows it was.
update promo.audit set finished_at = promo.clock(), row_count = %(rows)s, broken_off = %(broken_off)s where audit_id = %(audit_id)s;

-- list_entries --
-- The newest entries.
select begun_at, action, subject, revealed, row_count as rows, finished_at is not null as finished, broken_off, actor, reason
from promo.audit order by audit_id desc limit %(limit)s;

-- entries_before --
-- The newest entries that were begun before one.
select audit_id, begun_at, action, subject, revealed, row_count as rows, finished_at is not null as finished, broken_off, actor, reason
from promo.audit where audit_id < %(before)s order by audit_id desc limit %(limit)s;
