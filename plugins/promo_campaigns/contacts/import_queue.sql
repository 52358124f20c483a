-- accept_import --
-- Keep a bulk request until it is worked off. Without a contact that could be written it is finished at once.
insert into promo.contact_import (request, state, total, failures, finished_at)
values (case when %(acceptable)s then %(request)s::jsonb end, case when %(acceptable)s then 'queued' else 'finished' end,
        %(total)s, %(failures)s, case when %(acceptable)s then null else now() end)
returning session_id

-- lock_imports --
-- One import at a time in the whole system, so that a later request is never overtaken by an earlier one.
select pg_try_advisory_xact_lock(%(key)s) as alone

-- next_import --
-- The oldest request that waits.
select contact_import_id, request
  from promo.contact_import
 where state = 'queued'
 order by contact_import_id
 limit 1
   for update

-- finish_import --
-- The request is in place and forgotten; what became of it stays.
update promo.contact_import
   set state = 'finished', request = null, finished_at = now(), inserted = %(inserted)s, updated = %(updated)s,
       unchanged = %(unchanged)s, failures = failures || %(failures)s
 where contact_import_id = %(contact_import_id)s

-- fail_import --
-- The request could not be carried out at all; keeping it would stop those behind it.
update promo.contact_import
   set state = 'failed', request = null, finished_at = now()
 where contact_import_id = %(contact_import_id)s and state = 'queued'

-- read_import --
-- How a bulk request stands.
select session_id::text as session_id, state, total, inserted, updated, unchanged, failures
  from promo.contact_import
 where session_id = %(session_id)s
