-- listen --
-- From now on every event of the type waits for the workflow.
insert into promo.event_listener as l (workflow, type) values (%(workflow)s, %(type)s)
on conflict (workflow) do update set type = excluded.type, since = excluded.since where l.type <> excluded.type;

-- stop_listening --
-- Events wait for the workflow no more.
delete from promo.event_listener where workflow = %(workflow)s returning workflow;

-- refuse_waiting --
-- What waited for a workflow that has stopped listening is not answered.
update promo.event_queue set taken_at = promo.clock(), refused = 'not listening'
where workflow = %(workflow)s and taken_at is null;

-- wake --
-- Says that the workflow is to be woken, to one caller at a time: events wait, and nobody is taking them.
update promo.event_listener l set quiet_until = promo.clock() + make_interval(secs => %(quiet_s)s)
where l.workflow = %(workflow)s and (l.quiet_until is null or l.quiet_until <= promo.clock())
  and exists (select from promo.event_queue t where t.workflow = l.workflow and t.taken_at is null)
returning l.workflow;

-- acquire --
-- Somebody has come for the workflow's events, so nobody need wake it for so long.
update promo.event_listener set quiet_until = promo.clock() + make_interval(secs => %(quiet_s)s), taken_by = %(consumer)s
where workflow = %(workflow)s;

-- renew --
-- Nobody need wake the workflow for so long, or 0: it may be woken now. Nothing is changed once somebody else has come.
update promo.event_listener set quiet_until = promo.clock() + make_interval(secs => %(quiet_s)s)
where workflow = %(workflow)s and taken_by = %(consumer)s
returning workflow;

-- is_consumer --
-- Whether nobody else has come for the workflow's events.
select from promo.event_listener where workflow = %(workflow)s and taken_by = %(consumer)s;

-- lock_queue --
-- One at a time decides which events the workflow takes; held until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('promo events' || chr(10) || %(workflow)s, 0));

-- refuse_events --
-- Of the oldest waiting events, those the workflow may not take are decided, each with its reason.
with waiting as materialized (
  select event_id, contact_id, received_at from promo.event_queue
  where workflow = %(workflow)s and taken_at is null order by event_id limit %(limit)s
), checked as materialized (
  select event_id, promo.event_refusal(
           %(workflow)s, %(type)s, event_id, contact_id, received_at,
           %(reentry)s, make_interval(secs => %(period_s)s), %(alone)s, make_interval(secs => %(max_age_s)s)) as refused
  from waiting
)
update promo.event_queue t set taken_at = promo.clock(), refused = j.refused
from checked j where t.workflow = %(workflow)s and t.event_id = j.event_id and j.refused is not null;

-- read_window --
-- Until when the newest of the oldest waiting events may be answered; null if none waits.
select max(received_at) + make_interval(secs => %(max_age_s)s) as send_by
from (select received_at from promo.event_queue
      where workflow = %(workflow)s and taken_at is null order by event_id limit %(limit)s) waiting;

-- count_servable --
-- How many of the oldest waiting events the free codes suffice for, where a contact that holds a code is given it again.
select count(*) as events
from (
  select sum(case when exists (select /* fragment held_of_pools */)
             then 0 else 1 end) over (order by w.event_id) as codes
  from /* fragment oldest_waiting */
) counted where codes <= %(free)s;

-- count_matched --
-- How many of the oldest waiting events codes suffice for that carry what the events' contacts have: contacts who have the same
-- share those, and whom these do not reach needs a code that suits everybody.
with waiting as materialized (
  select w.event_id, w.contact_id, has.attributes
  from /* fragment oldest_waiting */
  cross join lateral promo.contact_has(w.contact_id, null, %(names)s::text[], %(sources)s::text[]) has
), needing as materialized (
  select w.event_id, w.attributes, row_number() over (partition by w.attributes order by w.event_id) as place
  from waiting w
  where not %(reuses)s or not exists (select /* fragment held_of_pools */)
)
select count(*) as events
from (
  select count(*) filter (where n.place > coalesce(f.codes, 0)) over (order by w.event_id) as others
  from waiting w
  left join needing n on n.event_id = w.event_id
  left join unnest(%(attributes)s::text[], %(free)s::bigint[]) f (attributes, codes) on f.attributes = n.attributes
) counted where others <= %(suiting_all)s;

-- take_events --
-- The run takes the oldest waiting events, one a contact, as its audience; a contact's second waits for the next run, and so does
-- an event of a contact of whom it is known that this run, which a restored store has forgotten, answered another one.
with waiting as materialized (
  select event_id, contact_id, received_at from promo.event_queue
  where workflow = %(workflow)s and taken_at is null order by event_id limit %(limit)s
  for update
), first as materialized (
  select distinct on (contact_id) event_id, contact_id, received_at from waiting w
  where not exists (
    select from promo.restored_send t
    where t.run_key = (select run_key from promo.run where run_id = %(run_id)s) and t.contact_id = w.contact_id offset 0)
  order by contact_id, event_id
), taken as (
  update promo.event_queue t set taken_at = promo.clock(), run_id = %(run_id)s
  from first f
  where t.workflow = %(workflow)s and t.event_id = f.event_id
    and promo.event_refusal(
          %(workflow)s, %(type)s, f.event_id, f.contact_id, f.received_at,
          %(reentry)s, make_interval(secs => %(period_s)s), %(alone)s, make_interval(secs => %(max_age_s)s)) is null
  returning t.contact_id
)
/* fragment in_audience */
from taken join promo.contact c using (contact_id) /* fragment of_run */;
