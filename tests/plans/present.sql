-- contacts --
-- The audience of the campaign that is under way: 2,000 contacts from all over the table.
create temporary table present as
select 7 + j * (%(last)s / 2000) as contact_id, j, j %% 10 as fate, nextval('promo.lease_token') as lease_token
from generate_series(0, 1999) j;

-- run --
-- A run under way, with a data source before the message and one after it, quiet hours, a cap, a hold-out and reuse.
insert into promo.run
  (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, before, after, quiet_hours,
   time_zone, cap_messages, cap_window, hold_out, reuses, stock_policy)
select 'present/' || %(last)s, 'present', '{}', sha256('x'), 'm', 'mobilepush', 'Welcome', 10, 7, true, '{0}', '{1}',
       int4multirange(int4range(at, at + 60)), 'UTC', 3, interval '7 days', 5, true, 'partial'
from (select (promo.minute_of_week(now(), 'UTC') + 4000) %% 10000 as at) quiet;

-- file --
-- A file that came lately.
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected)
select 'present.csv', sha256(convert_to('present' || %(last)s, 'UTF8')), 4000, 4000, 0, 0, 0;

-- codes --
-- Its codes, of which the run has given out some.
insert into promo.promo_code (code, type, discount, expires_at, retired, code_file_id, line)
select 'P' || %(last)s || '-' || n, 'Welcome', 10, now() + interval '20 days', false,
       (select max(code_file_id) from promo.code_file), n
from generate_series(1, 4000) n;
create temporary table given as
select j, promo_code_id from present
join (select row_number() over (order by promo_code_id) - 1 as j, promo_code_id from promo.promo_code
      where code_file_id = (select max(code_file_id) from promo.code_file)) c using (j)
where fate between 2 and 8;
update promo.promo_code p set issued_at = now(), held_by = contact_id
from given join present using (j) where p.promo_code_id = given.promo_code_id;

-- assignments --
-- Its contacts, in all states and in this order: pending, assigned, sending under a lease that ran out, unknown, accepted,
-- recorded and skipped.
insert into promo.assignment
  (run_id, contact_id, promo_code_id, time_zone, needs_code, state, reason, lease_token, lease_until)
select (select max(run_id) from promo.run), contact_id, promo_code_id, 'UTC', true,
       ('{pending,pending,assigned,assigned,sending,unknown,accepted,accepted,recorded,skipped}'::promo.assignment_state[])[fate + 1],
       case when fate = 9 then 'no channel' end, case when fate = 4 then lease_token end,
       case when fate = 4 then now() - interval '1 minute' end
from present left join given using (j) order by contact_id;

-- demand --
-- What is kept of the codes that it has still to claim, and what there is in stock: no trigger counts here.
insert into promo.code_demand (run_id, codes)
select run_id, count(*) from promo.assignment
where run_id = (select max(run_id) from promo.run) and state = 'pending' group by run_id;
delete from promo.code_stock;
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
select type, discount, promo.stock_hour(expires_at), count(*) filter (where issued_at is null and not retired),
       count(issued_at), count(*) filter (where issued_at is null and retired), max(promo.json_bytes(code))
from promo.promo_code group by 1, 2, 3;

-- unknown_sends --
-- Those of unknown outcome, which no trigger notes here.
insert into promo.unknown_send select run_id, contact_id from promo.assignment
where run_id = (select max(run_id) from promo.run) and state = 'unknown';

-- attempts --
-- What was asked and sent for them.
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, started_at, finished_at, purpose, source, outcome)
select (select max(run_id) from promo.run), contact_id, promo_code_id, lease_token, now() - interval '5 minutes',
       case when outcome is not null then now() - interval '4 minutes' end, purpose, source, outcome
from present join given using (j)
join (values (2, 8, 'answer', 0, 'ok'), (4, 5, 'message', 0, null), (6, 8, 'message', 0, 'ok'), (8, 8, 'profile', 1, 'ok'))
     as made (low, high, purpose, source, outcome) on fate between low and high
order by purpose, contact_id;

-- answers --
-- What the data source answered.
insert into promo.answer (run_id, contact_id, promo_code_id, source, resend_counter, value)
select (select max(run_id) from promo.run), contact_id, promo_code_id, 0, 0, '{"points": 1}' from present join given using (j);

-- audience_values --
-- What its audience told.
insert into promo.audience_value (run_id, contact_id, value)
select (select max(run_id) from promo.run), contact_id, '{"spent": ["decimal", "1.50"]}' from present where fate < 5;

-- messages --
-- What arrived.
insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, body)
select gen_random_uuid(), contact_id, 'mobilepush', 'token-' || contact_id, 'Code: P' from present where fate between 6 and 8;

-- open_runs --
-- Other runs that are open, of one contact each.
insert into promo.run
  (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records)
select 'waits/' || %(last)s || '/' || n, 'waits', '{}', sha256('x'), 'm', 'mobilepush', 'Other1', 10, 7, false
from generate_series(1, 20) n;
insert into promo.assignment (run_id, contact_id)
select run_id, run_id %% 1000 + 1 from promo.run where run_key like 'waits/' || %(last)s || '/%%';

insert into promo.run
  (run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records)
values ('empty/' || %(last)s, 'empty', '{}', sha256('x'), 'm', 'mobilepush', 'Other1', 10, 7, false);

-- events --
-- Events that wait for a workflow, and one nobody listened to.
insert into promo.event_listener (workflow, type) values ('hello', 'opened'), ('goodbye', 'left') on conflict do nothing;
with added as (
  insert into promo.event (type, key, contact_id, params, token)
  select case when j < 300 then 'opened' else 'nobody listens' end, 'k', contact_id, '{"a": 1}', gen_random_uuid()
  from present where j < 400 returning event_id, type, contact_id, received_at
)
insert into promo.event_queue (event_id, workflow, contact_id, received_at)
select event_id, 'hello', contact_id, received_at from added where type = 'opened';

-- import --
-- A bulk request that waits.
insert into promo.contact_import (request, state, total) values ('{"rows": [[1, null, [], {}, "customer-1"]]}', 'queued', 1);
