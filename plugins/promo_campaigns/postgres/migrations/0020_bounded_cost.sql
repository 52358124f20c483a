-- What a statement costs follows its batch or its run, never how much was sent before: the indexes and the lists that
-- this takes.

-- part: online --
-- The runs a contact was in, newest first: for erasure, caps and reuse. Its columns never change and it has no predicate, so
-- that a claim, too, stays heap-only; the index it takes the place of had an entry made by every claim. The run is an
-- expression, so that the planner never takes this index for the primary key: a batch lies side by side in that one alone.
create index concurrently assignment_contact on promo.assignment (contact_id, (-run_id));

-- part: online --
-- A contact's messages: for erasure, and for whoever looks into the inbox.
create index concurrently inbox_message_contact on promo.inbox_message (contact_id);

-- part: online --
-- A workflow's runs, and the runs that a frequency cap can still count: those that are open, or were closed lately.
create index concurrently run_workflow on promo.run (workflow, opened_at);

-- part: online --
create index concurrently run_open_channel on promo.run (channel, run_id) where closed_at is null;

-- part: online --
create index concurrently run_closed on promo.run (channel, closed_at, run_id) where closed_at is not null;

-- part: online --
-- The newest events of a type, and those of a span of time.
create index concurrently event_type on promo.event (type, received_at);

-- part: online --
-- When a contact entered a workflow: a rule looks at its period, not at all entries.
create index concurrently event_turn_entered on promo.event_turn (contact_id, workflow, received_at) where run_id is not null;

-- part: online --
-- Codes that were claimed lie among those of other files, so that the least and the greatest number of a part of the
-- table say nothing: several spans each do, for 3 to 4 microseconds more a claim.
create index concurrently promo_code_of_file on promo.promo_code using brin (code_file_id int8_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);

-- part: locked --
-- Sends of unknown outcome. An index on the state would have each of its changes make an entry in every index of the table;
-- these are few, and written when a send becomes unknown or ceases to be.
create table promo.unknown_send (
  run_id     bigint not null,
  contact_id bigint not null,
  primary key (run_id, contact_id)
);
comment on table promo.unknown_send is 'The assignments in state unknown, as their trigger keeps them: what to look at, in all runs.';
create function promo.keep_unknown() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if new.state = 'unknown' then
    insert into promo.unknown_send (run_id, contact_id) values (new.run_id, new.contact_id) on conflict do nothing;
  else
    delete from promo.unknown_send u where u.run_id = new.run_id and u.contact_id = new.contact_id;
  end if;
  return null;
end $$;

-- part: locked on promo.assignment --
create trigger assignment_keeps_unknown after update of state on promo.assignment
  for each row when ((old.state = 'unknown') <> (new.state = 'unknown')) execute function promo.keep_unknown();
create trigger assignment_added_unknown after insert on promo.assignment
  for each row when (new.state = 'unknown') execute function promo.keep_unknown();

-- part: batches of promo.assignment by run_id --
-- Held until they are kept: one that ceased to be unknown in between would be kept as unknown for ever.
insert into promo.unknown_send (run_id, contact_id)
select run_id, contact_id from promo.assignment
where run_id > %(low)s and run_id <= %(high)s and state = 'unknown' for share on conflict do nothing;

-- part: locked --
-- What a person or the reconciliation is shown of each. Each is looked up by itself (offset 0): in a join the planner may
-- go through a whole run for each of them.
create view promo.unknown_send_shown as
select r.run_key, u.run_id, u.contact_id, a.generation, p.code, sent.first_attempt, sent.attempts
from promo.unknown_send u
cross join lateral (
  select h.generation, h.promo_code_id from promo.assignment h
  where h.run_id = u.run_id and h.contact_id = u.contact_id and h.state = 'unknown' offset 0) a
join promo.run r on r.run_id = u.run_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
cross join lateral (
  select min(t.started_at) as first_attempt, count(*) as attempts from promo.attempt t
  where t.run_id = u.run_id and t.contact_id = u.contact_id and t.purpose = 'message'
) sent
where sent.attempts > 0;

-- The first run whose messages can count for a frequency cap from then on: of a run that was closed before nothing is
-- under way, and all attempts are older. An hour is added, in case a clock was set back while it was sent.
create function promo.first_capped_run(a_channel text, since timestamptz) returns bigint
  language sql stable
begin atomic
  select least(
    (select r.run_id from promo.run r where r.channel = a_channel and r.closed_at is null order by r.channel, r.run_id limit 1),
    -- Not min() over the table, for which the planner would go through the runs from the first one on.
    (select min(recent.run_id)
     from (select r.run_id from promo.run r
           where r.channel = a_channel and r.closed_at > since - interval '1 hour' offset 0) recent));
end;

-- As before, but it looks at the newest runs first and stops at the first code that fits.
create or replace function promo.code_to_reuse(a_contact bigint, a_type text, a_discount smallint, valid_until timestamptz)
  returns table (promo_code_id bigint, code text, expires_at timestamptz)
  language sql stable
begin atomic
  select p.promo_code_id, p.code, p.expires_at
  from promo.assignment h join promo.promo_code p on p.promo_code_id = h.promo_code_id
  where h.contact_id = a_contact and h.promo_code_id is not null
    and p.type = a_type and p.discount = a_discount and not p.retired and p.expires_at >= valid_until
  order by -h.run_id limit 1;
end;

-- As before, but a workflow that takes a contact only alone looks at the runs of that contact, not at all that are open.
create or replace function promo.event_refusal(
  a_workflow text, a_type text, an_event bigint, a_contact bigint, a_time timestamptz,
  reentry text, period interval, alone boolean, max_age interval
) returns text
  language sql stable parallel safe
  return case
    when not exists (select from promo.contact c where c.contact_id = a_contact and c.erased_at is null) then 'no contact'
    when not exists (select from promo.event e where e.event_id = an_event and e.type = a_type) then 'another type'
    when a_time < promo.clock() - max_age then 'too old'
    when reentry = 'once' and exists (
      select from promo.event_turn t
      where t.workflow = a_workflow and t.contact_id = a_contact and t.run_id is not null) then 'once'
    when reentry = 'period' and exists (
      select from promo.event_turn t
      where t.workflow = a_workflow and t.contact_id = a_contact and t.run_id is not null
        and t.received_at > a_time - period and t.received_at < a_time + period) then 'once per period'
    when alone and exists (
      select from promo.event_turn t
      where t.workflow = a_workflow and t.contact_id = a_contact and t.run_id is not null
        and (select r.closed_at is null from promo.run r where r.run_id = t.run_id)) then 'in progress'
  end;

-- part: locked on promo.event --
alter table promo.event add column kept boolean not null default false;
comment on column promo.event.kept is
  'Set when its key and params are erased: whether a run took it, so that it stays, for the rules of re-entry.';

-- part: batches of promo.event by event_id --
update promo.event e set kept = true
where e.event_id > %(low)s and e.event_id <= %(high)s and e.params is null and not e.kept and exists (select from promo.event_turn t where t.event_id = e.event_id and t.run_id is not null);

-- part: online --
create index concurrently event_to_delete on promo.event (received_at) where params is null and not kept;

-- part: online --
drop index concurrently if exists promo.assignment_holder;

-- part: online --
drop index concurrently if exists promo.event_turn_entries;

-- part: online --
drop index concurrently if exists promo.promo_code_file;
