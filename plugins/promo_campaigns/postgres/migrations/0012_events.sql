-- Events: what callers say has happened to a contact, and which workflow has yet to answer it.

-- part: locked on promo.run --
create table promo.event (
  event_id    bigint      generated always as identity primary key,
  type        text        not null check (type <> ''),
  key         text,
  contact_id  bigint,
  params      jsonb,
  token       uuid        not null unique,
  received_at timestamptz not null default promo.clock()
);
comment on table promo.event is 'One event as it was received. Key and params are erased after a while, since they hold addresses.';
comment on column promo.event.token is 'Made from the caller''s Idempotency-Key, else at random: the same request sent again is the same event.';
comment on column promo.event.contact_id is 'Who it is about; null when the event names nobody that can be found or made.';
create index event_contact on promo.event (contact_id) where params is not null;
create index event_received on promo.event (received_at) where params is not null;

create table promo.event_listener (
  workflow    text        primary key,
  type        text        not null,
  since       timestamptz not null default promo.clock(),
  quiet_until timestamptz,
  taken_by    text
) with (fillfactor = 50);
comment on table promo.event_listener is 'Which workflow answers events of which type: every event from then on gets a turn for it.';
comment on column promo.event_listener.quiet_until is 'Nobody wakes the workflow before: it was woken just now, or is taking its events.';
comment on column promo.event_listener.taken_by is 'Who takes its events, or took them last: the run key of a DAG run.';
create index event_listener_type on promo.event_listener (type);

create table promo.event_turn (
  event_id    bigint      not null references promo.event on delete cascade,
  workflow    text        not null,
  contact_id  bigint,
  received_at timestamptz not null,
  run_id      bigint      references promo.run,
  taken_at    timestamptz,
  refused     text,
  primary key (event_id, workflow),
  constraint event_turn_taken check ((taken_at is not null) = (num_nonnulls(run_id, refused) = 1) and num_nonnulls(run_id, refused) <= 1)
);
comment on table promo.event_turn is 'The queue: an event waits for a workflow until a run has taken it or it was refused, with the reason.';
create index event_turn_waiting on promo.event_turn (workflow, event_id) where taken_at is null;
-- A contact stands in a run once, so one event is its reason: the one a message of the run can read.
create unique index event_turn_run on promo.event_turn (run_id, contact_id) where run_id is not null;
create index event_turn_entries on promo.event_turn (contact_id, workflow) where run_id is not null;

-- Why a workflow may not take an event; null if it may. A rule about other entries of the contact holds whichever of the
-- two events is looked at first, so that the answer is a matter of what arrived and not of when it was looked at.
create function promo.event_refusal(
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
      select from promo.event_turn t join promo.run r using (run_id)
      where t.workflow = a_workflow and t.contact_id = a_contact and r.closed_at is null) then 'in progress'
  end;
