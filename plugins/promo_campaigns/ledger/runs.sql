-- lock_pool --
-- One run at a time weighs this pool's stock against what is asked of it; held until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('promo pool' || chr(10) || %(type)s || chr(10) || %(discount)s::text, 0));

-- knows_zone --
-- Whether the server can tell the time in a zone.
select promo.knows_zone(%(zone)s) as known;

-- read_strange_zones --
-- Time zones of the run's contacts in which the server cannot tell the time, with how many live there.
select time_zone as zone, contacts from (
  select time_zone, count(*) as contacts from promo.assignment
  where run_id = %(run_id)s and time_zone is not null group by time_zone
) lived_in
where not promo.knows_zone(time_zone) order by contacts desc, time_zone;

-- add_run --
-- Opens the run of an occurrence; nothing is returned when it is open already.
insert into promo.run
  (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records,
   before, after, send_by, quiet_hours, time_zone, cap_messages, cap_window, hold_out, reuses, approval, abort_at,
   start_with, then_wait, pool_types, pool_discounts, match_names, match_sources)
values
  (%(run_key)s, %(workflow)s, %(spec)s, %(spec_sha256)s, %(message)s, %(channel)s, %(type)s, %(discount)s, %(days)s,
   %(records)s, %(before)s, %(after)s, %(send_by)s,
   %(quiet_hours)s::int4multirange, %(time_zone)s, %(cap_messages)s, make_interval(hours => %(cap_hours)s::integer),
   %(hold_out)s, %(reuses)s, case when %(approval)s then 'awaited' end, %(abort_at)s,
   %(start_with)s, %(then_wait)s, %(pool_types)s::text[], %(pool_discounts)s::smallint[],
   %(match_names)s::text[], %(match_sources)s::text[])
on conflict (run_key) do nothing
returning run_id;

-- read_run_by_key --
-- The run of an occurrence.
select run_id, run_key, spec, spec_sha256, send_by, mode, closed_at, halt, start_with, archived_at from promo.run where run_key = %(run_key)s;

-- read_run --
-- A run by its id.
select run_id, run_key, spec, spec_sha256, send_by, mode, closed_at, halt, start_with, archived_at from promo.run where run_id = %(run_id)s;

-- add_audience --
-- Freezes an audience; ids of nobody, or of somebody erased, fall away, and a contact that is named twice is in it once.
-- Told are how many were added, and how many names are nobody's: an id that there is not, and each row without one. The
-- author's SELECT is run once for all of it.
with named as materialized (
  select audience.contact_id, count(*) as times from (
/* audience */
  ) audience group by audience.contact_id
), frozen as (
/* fragment in_audience */
from named audience
join promo.contact c on c.contact_id = audience.contact_id and c.erased_at is null
/* fragment of_run */
returning contact_id
)
select (select count(*) from frozen) as added,
       (select coalesce(sum(case when n.contact_id is null then n.times else 1 end), 0)::bigint
        from named n where not exists (select from promo.contact c where c.contact_id = n.contact_id)) as strangers;

-- strangers_of_run --
-- Ids that the audience of a run listed when it was opened and that were nobody's, and whether anybody is in it.
select coalesce((forecast->>'strangers')::bigint, 0) as strangers,
       exists (select from promo.assignment a where a.run_id = r.run_id) as has_contacts
from promo.run r where r.run_id = %(run_id)s;

-- weigh_audience --
-- Lets the planner know the new run at once; its own look comes a minute later, when a million rows may be wrong.
analyze promo.assignment (run_id, contact_id);

-- read_batches --
-- The audience cut into ranges of contact ids with at most batch_size contacts each.
select min(contact_id) as first, max(contact_id) as last
from (
  select contact_id, (row_number() over (order by contact_id) - 1) / %(batch_size)s as batch
  from promo.assignment where run_id = %(run_id)s
) numbered
group by batch order by batch;

-- count_zones --
-- How many time zones the run's quiet hours go by.
select count(distinct time_zone) as zones from promo.assignment where run_id = %(run_id)s;

-- read_zone_batches --
-- The audience cut by time zone, then into ranges of contact ids with at most batch_size contacts each.
select time_zone as zone, min(contact_id) as first, max(contact_id) as last
from (
  select contact_id, time_zone,
         (row_number() over (partition by time_zone order by contact_id) - 1) / %(batch_size)s as batch
  from promo.assignment where run_id = %(run_id)s
) numbered
group by time_zone, batch order by time_zone, batch;

-- read_batches_by_share --
-- The audience cut into the first share and the others, each by time zone where there are any, then into ranges of contact
-- ids with at most batch_size contacts each.
select is_first as first_share, time_zone as zone, min(contact_id) as first, max(contact_id) as last
from (
  select a.contact_id, a.time_zone, f.contact_id is not null as is_first,
         (row_number() over (partition by f.contact_id is not null, a.time_zone order by a.contact_id) - 1) / %(batch_size)s as batch
  from promo.assignment a left join promo.first_share f on f.run_id = a.run_id and f.contact_id = a.contact_id
  where a.run_id = %(run_id)s
) numbered
group by is_first, time_zone, batch order by is_first desc, time_zone, batch;

-- measure_audience --
-- How many contacts the run is for, and how many bytes one takes in an XCom at most: its id and its code, as JSON, of
-- whichever of its pools.
select count(*) as contacts,
       length(coalesce(max(a.contact_id), 0)::text) + length(', ') + length(', ')
       + coalesce((select max(s.longest) from promo.run r
                   cross join unnest(coalesce(r.pool_types, array[r.code_type]), coalesce(r.pool_discounts, array[r.discount]))
                     pool (type, discount)
                   join promo.code_stock s on s.type = pool.type and s.discount = pool.discount
                   where r.run_id = %(run_id)s), 0) as contact_bytes
from promo.assignment a where a.run_id = %(run_id)s;

-- count_open --
-- The run's assignments that are in one of the states, by state; an erased contact has no profile to record on.
select state::text as state, count(*) as contacts
from promo.assignment a
where run_id = %(run_id)s and state = any(%(states)s::promo.assignment_state[])
  and not (state = 'accepted' and exists (
    select from promo.contact c where c.contact_id = a.contact_id and c.erased_at is not null))
group by state order by state;

-- lock_run --
-- Holds the run's row, so that one closer works at a time.
select run_id, run_key, opened_at, closed_at, records, pool_types is not null as is_chained
from promo.run where run_id = %(run_id)s for update;

-- close_run --
-- Closes the run; a closed one keeps its time. Nobody waits in it, so nothing is kept of its demand, and of its
-- counts one row is.
with gone as (
  delete from promo.code_demand where run_id = %(run_id)s
), counts as (
  delete from promo.run_count where run_id = %(run_id)s returning *
), counted as (
  insert into promo.run_count
    (run_id, counted_at, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
  select run_id, max(counted_at), sum(pending), sum(skipped), sum(assigned), sum(sending), sum(accepted), sum(rejected),
         sum(unknown), sum(recorded), sum(expired)
  from counts group by run_id
)
update promo.run set closed_at = coalesce(closed_at, promo.clock()) where run_id = %(run_id)s;

-- set_mode --
-- What running this run again shall do once it is closed.
update promo.run set mode = %(mode)s where run_key = %(run_key)s returning run_id;

-- reopen_run --
-- A closed run has work again, and its approval is asked for anew; no row if it was archived meanwhile.
update promo.run
set closed_at = null, approved_by = null, approved_at = null,
    approval = case when %(approval)s or approval is not null then 'awaited' end
where run_id = %(run_id)s and archived_at is null
returning run_id;
