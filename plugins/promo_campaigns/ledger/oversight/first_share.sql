-- draw_first_share --
-- Draws the first share of a new run from the contacts who can be sent to; where there are none, nobody waits for them.
with may as materialized (
  select a.contact_id, promo.lot_of(a.run_id, a.contact_id) as lot
  from promo.run r join promo.assignment a on a.run_id = r.run_id
  where r.run_id = %(run_id)s and (a.needs_code or r.reuses)
), drawn as (
  insert into promo.first_share (run_id, contact_id)
  select %(run_id)s, contact_id from may order by lot, contact_id
  limit (select coalesce(%(contacts)s::bigint, ceil(count(*) * %(percent)s::numeric / 100)::bigint) from may)
  returning contact_id
), counted as (
  select count(*) as contacts from drawn
)
update promo.run r set first_share = c.contacts, let_go_at = case when c.contacts = 0 then promo.clock() end
from counted c where r.run_id = %(run_id)s;

-- note_ended --
-- Notes when all of the first share are first seen to have an outcome: nobody of it waits for a code, a message or an answer.
update promo.run r set first_ended_at = promo.clock()
where r.run_id = %(run_id)s and r.start_with is not null and r.first_ended_at is null and not exists (
  select from promo.first_share f join promo.assignment a on a.run_id = f.run_id and a.contact_id = f.contact_id
  where f.run_id = r.run_id and a.state in ('pending', 'assigned', 'sending'));

-- let_go --
-- Once the wait behind the first share is over, lets the run go on, or pauses it where more than its share of those
-- who were sent to were refused or are unknown, however few they are. What a person let go on before counts no more.
update promo.run r
set first_sent = c.sent, first_failed = c.failed, let_go_at = case when not c.fails then promo.clock() end,
    halt = case when c.fails then 'paused' end, halted_at = case when c.fails then promo.clock() end,
    halted_by = case when c.fails then 'start_with' end,
    halt_reason = case when c.fails then
      format('%%s of the first %%s were refused or are unknown, more than %%s %%%%', c.failed, c.sent, trim_scale(r.abort_at)) end
from (
  select sent, failed, in_flight, coalesce(failed * 100 > abort_at * sent, false) as fails
  from (
    select max(o.abort_at) as abort_at, bool_or(a.state in ('pending', 'assigned', 'sending')) as in_flight,
           count(*) filter (where a.state in ('accepted', 'recorded', 'rejected', 'unknown')) - max(o.spared_sent) as sent,
           count(*) filter (where a.state in ('rejected', 'unknown')) - max(o.spared_failed) as failed
    from promo.run o
    join promo.first_share f on f.run_id = o.run_id
    join promo.assignment a on a.run_id = f.run_id and a.contact_id = f.contact_id
    where o.run_id = %(run_id)s and o.let_go_at is null and o.first_ended_at + o.then_wait <= promo.clock()
  ) counted
) c
where r.run_id = %(run_id)s and r.let_go_at is null and r.halt is null and r.closed_at is null and not c.in_flight
  and r.first_ended_at + r.then_wait <= promo.clock();

-- read_first --
-- Who of the contacts may be worked on: the first share, and all others once the run was let go on.
select c.contact_id from unnest(%(contact_ids)s::bigint[]) with ordinality as c (contact_id, place)
where exists (select from promo.run r where r.run_id = %(run_id)s and r.let_go_at is not null)
   or exists (select from promo.first_share f where f.run_id = %(run_id)s and f.contact_id = c.contact_id)
order by c.place;

-- read_first_share --
-- How far a run is with its first share, and for how long the others wait at least; no row of a run without one.
select run_key, start_with, first_share as contacts, first_ended_at as ended_at, first_ended_at + then_wait as goes_on_at,
       let_go_at, first_sent as sent, first_failed as failed,
       extract(epoch from coalesce(first_ended_at + then_wait - promo.clock(), then_wait))::float8 as wait_s
from promo.run where run_id = %(run_id)s and start_with is not null;
