-- find_contact --
-- Whom the identifiers of an event name: its id first, then its external id, then the first channel somebody holds, whose
-- owner has no other external id. Also which of the channels nobody holds.
with held as (
  select s.position, c.contact_id, c.external_id
    from unnest(%(types)s::text[], %(locators)s::text[]) with ordinality s (type, value, position)
    /* fragment holder */
), named as (
  select -1 as rank, contact_id, erased_at from promo.contact where contact_id = %(contact_id)s
  union all
  select 0, contact_id, erased_at from promo.contact where external_id = %(external_id)s
  union all
  select position, contact_id, null from held where %(external_id)s::text is null or external_id is null
)
select (select contact_id from named order by rank limit 1) as contact_id,
       exists (select from named where erased_at is not null) as erased,
       coalesce((select array_agg(position::int - 1 order by position) from held), '{}') as held;

-- add_event --
-- Keeps an event, with a turn for every workflow that listens; one statement, so that it waits for all of them or none.
-- The same request again finds what is there; nothing is returned when it is being kept just now, or its contact erased.
with known as (
  select contact_id from promo.contact where contact_id = %(contact_id)s and erased_at is null for key share
), added as (
  insert into promo.event (type, key, contact_id, params, token)
  select %(type)s, %(key)s, %(contact_id)s::bigint, %(params)s::jsonb, %(token)s::uuid
  where %(contact_id)s::bigint is null or exists (select from known)
  on conflict (token) do nothing
  returning event_id, type, contact_id, received_at
), turned as (
  insert into promo.event_queue (event_id, workflow, contact_id, received_at)
  select a.event_id, l.workflow, a.contact_id, a.received_at
  from added a join promo.event_listener l on l.type = a.type
)
select event_id from added
union all
select event_id from promo.event where token = %(token)s;

-- add_past_event --
-- Keeps an event that happened earlier: nobody waits for it. The same one again finds what is there.
with known as (
  select contact_id from promo.contact where contact_id = %(contact_id)s and erased_at is null for key share
), added as (
  insert into promo.event (type, key, contact_id, params, token, occurred_at)
  select %(type)s, %(key)s, %(contact_id)s::bigint, %(params)s::jsonb, %(token)s::uuid, %(occurred_at)s
  where %(contact_id)s::bigint is null or exists (select from known)
  on conflict (token) do nothing
  returning event_id
)
select event_id from added
union all
select event_id from promo.event where token = %(token)s;

-- newest --
-- The newest events.
select event_id from promo.event order by event_id desc limit %(limit)s;

-- newest_of_type --
-- The newest events of a type.
select event_id from promo.event where type = %(type)s order by received_at desc, event_id desc limit %(limit)s;

-- newest_waiting --
-- The newest events that wait for some workflow: of each queue the newest, and of these the newest.
with recursive /* fragment queues */
select distinct t.event_id
from queue q cross join lateral (
  select event_id from promo.event_queue where workflow = q.workflow and taken_at is null order by event_id desc limit %(limit)s) t
order by t.event_id desc limit %(limit)s;

-- newest_waiting_of_type --
-- The newest events of a type that wait for some workflow. Of what waits, only one that has changed its type lets events
-- of another type wait.
with recursive /* fragment queues */
select distinct t.event_id
from queue q cross join lateral (
  select w.event_id from promo.event_queue w join promo.event e using (event_id)
  where w.workflow = q.workflow and w.taken_at is null and e.type = %(type)s order by w.event_id desc limit %(limit)s) t
order by t.event_id desc limit %(limit)s;

-- list_events --
-- Events, newest first, each with what became of it.
select e.event_id, e.type, e.key, e.contact_id, e.received_at, e.params is null as erased,
       coalesce((select jsonb_agg(jsonb_build_object(
                          'workflow', t.workflow, 'run_key', r.run_key, 'refused', t.refused) order by t.workflow)
                 from promo.event_queue t left join promo.run r using (run_id) where t.event_id = e.event_id), '[]') as workflows
from promo.event e
where e.event_id = any(%(event_ids)s)
order by e.event_id desc;

-- list_listeners --
-- The workflows that listen, with how many events wait for each, up to a limit, and since when the first of them does.
select l.workflow, l.type, l.since, queue.waiting, queue.oldest
from promo.event_listener l
cross join lateral (
  select count(*) as waiting, min(received_at) as oldest
  from (select t.received_at from promo.event_queue t
        where t.workflow = l.workflow and t.taken_at is null order by t.event_id limit %(limit)s) first) queue
order by l.workflow;

-- refuse_old --
-- What nobody has taken in so many days is taken no more.
update promo.event_queue t set taken_at = promo.clock(), refused = 'too old'
where t.taken_at is null and t.received_at < promo.clock() - make_interval(days => %(days)s);

-- erase_old --
-- Key and params of old events go, except where a run that has taken one is not closed yet and may still read it.
update promo.event e
set key = null, params = null,
    kept = exists (select from promo.event_queue t where t.event_id = e.event_id and t.run_id is not null)
where e.params is not null and e.received_at < promo.clock() - make_interval(days => %(days)s)
  and not exists (
    select from promo.event_queue t join promo.run r using (run_id)
    where t.event_id = e.event_id and r.closed_at is null);

-- delete_old --
-- Old events that no workflow has ever taken leave no trace: no rule asks for them.
delete from promo.event e
where e.params is null and not e.kept and e.received_at < promo.clock() - make_interval(days => %(days)s)
  and not exists (
    select from promo.event_queue t where t.event_id = e.event_id and (t.run_id is not null or t.taken_at is null));
