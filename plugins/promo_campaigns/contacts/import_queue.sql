-- accept_import --
-- Keep a bulk request, or a part of a file, until it is worked off. Without a contact that could be written it is finished
-- at once.
insert into promo.contact_import (session_id, request, state, total, failures, finished_at)
values (coalesce(%(session_id)s::uuid, gen_random_uuid()),
        case when %(acceptable)s then %(request)s::jsonb end, case when %(acceptable)s then 'queued' else 'finished' end,
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
-- How a bulk request, or a file with all its parts, stands.
select session_id::text as session_id,
       case when bool_or(state = 'queued') then 'queued' when bool_or(state = 'failed') then 'failed' else 'finished' end
         as state,
       sum(total) as total, sum(inserted) as inserted, sum(updated) as updated, sum(unchanged) as unchanged,
       sum(jsonb_array_length(failures)) as failed, max(coalesce(finished_at, received_at)) as changed_at
  from promo.contact_import
 where session_id = %(session_id)s
 group by session_id

-- list_failures --
-- The contacts of it that were refused, the first ones of them.
select (f.told ->> 'row')::bigint as row, f.told ->> 'place' as place, f.told ->> 'reason' as reason
  from promo.contact_import i cross join lateral jsonb_array_elements(i.failures) f (told)
 where i.session_id = %(session_id)s
 order by row
 limit %(limit)s
