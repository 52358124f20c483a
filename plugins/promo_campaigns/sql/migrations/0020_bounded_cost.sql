-- What a statement costs follows its batch or its run, never how much was sent before: the indexes and the lists that
-- this takes. Indexes come first, as building one lets everybody read.

-- Whoever was in which run, newest last: for erasure, caps and reuse. Its columns never change and it has no predicate, so
-- that a claim, too, stays heap-only; the index it takes the place of had an entry made by every claim.
create index assignment_contact on promo.assignment (contact_id, run_id);
-- A contact's messages: for erasure, and for whoever looks into the inbox.
create index inbox_message_contact on promo.inbox_message (contact_id);
-- A workflow's runs, and the runs that a frequency cap can still count: those that are open, or were closed lately.
create index run_workflow on promo.run (workflow, opened_at);
create index run_open on promo.run (channel, run_id) where closed_at is null;
create index run_closed on promo.run (channel, closed_at, run_id) where closed_at is not null;
-- The newest events of a type, and those of a span of time.
create index event_type on promo.event (type, received_at);
-- When a contact entered a workflow: a rule looks at its period, not at all entries.
create index event_turn_entered on promo.event_turn (contact_id, workflow, received_at) where run_id is not null;
-- Codes that were claimed lie among those of other files, so that the least and the greatest number of a part of the
-- table say nothing: several spans each do. It writes as much as before.
create index promo_code_of_file on promo.promo_code using brin (code_file_id int8_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);

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
create trigger assignment_keeps_unknown after update of state on promo.assignment
  for each row when ((old.state = 'unknown') <> (new.state = 'unknown')) execute function promo.keep_unknown();
create trigger assignment_added_unknown after insert on promo.assignment
  for each row when (new.state = 'unknown') execute function promo.keep_unknown();
insert into promo.unknown_send (run_id, contact_id) select run_id, contact_id from promo.assignment where state = 'unknown';

-- What a person or the reconciliation is shown of each. The planner puts the body in place of the name.
create view promo.unknown_send_shown as
select r.run_key, a.run_id, a.contact_id, a.generation, p.code, sent.first_attempt, sent.attempts
from promo.unknown_send u
join promo.assignment a on a.run_id = u.run_id and a.contact_id = u.contact_id and a.state = 'unknown'
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

alter table promo.event add column heard boolean not null default true;
comment on column promo.event.heard is
  'Whether a workflow listened to its type when it came. If none did it is deleted once it is old: no rule asks for it.';
update promo.event e set heard = false where not exists (select from promo.event_turn t where t.event_id = e.event_id);
create index event_unheard on promo.event (received_at) where not heard;

drop index promo.assignment_holder;
drop index promo.event_turn_entries;
drop index promo.promo_code_file;
