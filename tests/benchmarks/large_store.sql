-- plan --
-- How many contacts each run has, and where its contacts and codes begin: one run that is live with a tenth of all rows,
-- ten large ones, and the rest alike, but for some that a person looks for: awaiting approval, paused, cancelled.
create temporary table plan as
with sized as (
  select n as run_id,
         case when n = %(runs)s then least(%(rows)s / 10, %(contacts)s - 1)
              when n %% greatest(%(runs)s / 10, 2) = 1 then least(%(rows)s / 40, %(contacts)s - 1)
              else greatest(least(%(rows)s * 65 / 100 / %(runs)s * (2 + n %% 3) / 3, %(contacts)s - 1), 1) end as people,
         case when n = %(runs)s then 'live'
              when n = %(runs)s - 1 then 'awaiting'
              when n = %(runs)s - 2 then 'paused'
              when n %% 997 = 0 or n = %(runs)s - 3 then 'cancelled' else 'closed' end as kind,
         now() - (%(runs)s - n) * (interval '2 years' / %(runs)s) - interval '20 minutes' as opened_at
  from generate_series(1, %(runs)s) n
)
select *, (sum(people) over (order by run_id) - people)::bigint as first,
       -- The run whose definition it has.
       %(models)s::bigint[] as models, (%(models)s::bigint[])[1 + run_id %% cardinality(%(models)s::bigint[])] as model
from sized

-- planned --
-- How many rows the plan comes to.
select sum(people)::bigint as rows from plan

-- index_plan --
-- So that each table's insert finds a run's line.
create unique index on plan (run_id)

-- people --
-- Contacts with a push token each, an address for two of three, and a number for every other.
insert into promo.contact (contact_id, external_id, first_name, last_name, language) overriding system value
select n, 'customer-' || n,
       (array['Anna', 'Ben', 'Chiara', 'Dmytro', 'Eva', 'Farid', 'Grace', 'Hugo', 'Iryna', 'Jonas'])[1 + n %% 10],
       (array['Novak', 'Weber', 'Rossi', 'Shevchenko', 'Larsen', 'Haddad', 'Okafor'])[1 + n %% 7],
       (array['en', 'de', 'uk'])[1 + n %% 3]
from generate_series(1, %(contacts)s) n

-- channels --
-- Ways to reach them.
insert into promo.contact_channel (contact_id, type, value)
select n, kind.type, kind.value
from generate_series(1, %(contacts)s) n
cross join lateral (values ('mobilepush', 'token-' || n, true), ('email', 'customer' || n || '@example.com', n %% 3 > 0),
                           ('sms', '+4470' || lpad(n::text, 8, '0'), n %% 2 = 0)) kind (type, value, has)
where kind.has

-- runs --
-- The runs, with the definition of their model.
insert into promo.run (run_id, run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records,
                       before, after, opened_at, closed_at, approval, halt, halted_at, halted_by, halt_reason)
overriding system value
select p.run_id, m.workflow || '/edition/' || p.run_id, m.workflow, m.spec, m.spec_sha256, m.message, m.channel, m.code_type,
       m.discount, m.days, m.records, m.before, m.after, p.opened_at,
       case when p.kind in ('closed', 'cancelled') then p.opened_at + interval '15 minutes' end,
       case when p.kind = 'awaiting' then 'awaited' end, h.halt, h.at, h.by, h.reason
from plan p
join promo.run m on m.run_id = p.model
left join (values ('paused', 'paused', now() - interval '10 minutes', 'marta', 'the picture in the message is wrong'),
                  ('cancelled', 'cancelled', now() - interval '1 hour', 'marta', 'sent to the wrong segment'))
  h (kind, halt, at, by, reason) using (kind)

-- drop_models --
-- The models are not runs of anybody.
delete from promo.run where run_id = any(%(models)s)

-- files --
-- The files that the codes come from, one of a hundred withdrawn; the newest has many rows that were rejected.
insert into promo.code_file (code_file_id, name, sha256, row_count, inserted, updated, unchanged, rejected, loaded_at, withdrawn_at)
overriding system value
select n, 'codes-' || lpad(n::text, 5, '0') || '.csv', sha256(convert_to(n::text, 'UTF8')), inserted + rejected, inserted,
       0, 0, rejected, now() - (files - n) * (interval '2 years' / files),
       case when n %% 100 = 50 then now() - interval '1 day' end
from (
  select n, files, least(%(a_file)s, %(codes)s - (n - 1) * %(a_file)s) as inserted,
         case when n = files then %(codes)s / 200 else 20 end as rejected
  from (select ceil(%(codes)s::numeric / %(a_file)s)::bigint as files) f, generate_series(1, files) n
) sized

-- rejects --
-- Why rows of them were rejected: of a file the first thousand are kept, as the product does.
insert into promo.code_file_reject (code_file_id, line, "column", reason)
select f.code_file_id, n * 2,
       (array['code', 'expirationDate', 'discount', 'type'])[1 + n %% 4],
       (array['the code stands in line 2 already', 'not a date in one of the four formats', 'not between 0 and 99', 'is empty'])[1 + n %% 4]
from promo.code_file f, generate_series(1, least(f.rejected, 1000)) n

-- planned_codes --
-- A code for each row of the ledger, of its run's pool.
insert into promo.promo_code (promo_code_id, code, type, discount, expires_at, retired, code_file_id, line, issued_at, held_by)
overriding system value
select row.number, row.code, r.code_type, r.discount, row.expires_at,
       not held.it and file.number %% 100 = 50, file.number, 1 + (row.number - 1) %% %(a_file)s,
       case when held.it then p.opened_at + i * interval '10 minutes' / p.people end, case when held.it then who.contact_id end
from plan p
join promo.run r using (run_id)
cross join lateral generate_series(0, p.people - 1) i
cross join lateral (
  select p.first + i + 1 as number,
         upper(left(r.code_type, 4)) || '-' || upper(lpad(to_hex((p.first + i + 1) * 2654435761 %% 4294967296), 8, '0')) as code,
         now() + interval '8 days' + (p.first + i)::float8 / %(codes)s * interval '2 years' as expires_at) row
cross join lateral (select 1 + (row.number - 1) / %(a_file)s as number) file
cross join lateral (select /* contact */ as contact_id) who
cross join lateral (select /* state */ as state) is_in
cross join lateral (select is_in.state in ('assigned', 'accepted', 'unknown', 'recorded') as it) held

-- free_codes --
-- The rest of the codes, which nobody was given: in the pools in turn, one of a hundred too old.
insert into promo.promo_code (promo_code_id, code, type, discount, expires_at, retired, code_file_id, line)
overriding system value
select n, upper(left(m.code_type, 4)) || '-' || upper(lpad(to_hex(n * 2654435761 %% 4294967296), 8, '0')), m.code_type, m.discount,
       case when n %% 100 = 3 then now() - interval '10 days'
            else now() + interval '1 day' + n::float8 / %(codes)s * interval '2 years' end,
       (1 + (n - 1) / %(a_file)s) %% 100 = 50, 1 + (n - 1) / %(a_file)s, 1 + (n - 1) %% %(a_file)s
from generate_series(%(rows)s::bigint + 1, %(codes)s::bigint) n
join (select (row_number() over (order by code_type, discount) - 1) as place, count(*) over () as pools, code_type, discount
      from (select distinct code_type, discount from promo.run) pool) m on m.place = n %% m.pools

-- stock --
-- What the triggers would have kept of the pools.
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
select type, discount, promo.stock_hour(expires_at), count(*) filter (where issued_at is null and not retired),
       count(issued_at), count(*) filter (where issued_at is null and retired), max(promo.json_bytes(code))
from promo.promo_code group by 1, 2, 3

-- assignments --
-- The ledger.
insert into promo.assignment (run_id, contact_id, promo_code_id, state, reason, needs_code)
select p.run_id, who.contact_id,
       case when is_in.state in ('assigned', 'accepted', 'unknown', 'recorded') then p.first + i + 1 end, is_in.state::promo.assignment_state,
       case is_in.state when 'rejected' then 'refused: 400 the token is not known'
                        when 'skipped' then case when p.kind = 'cancelled' and i >= p.people / 2 then 'cancelled'
                                                 when i %% 40 = 19 then 'no channel' else 'unsubscribed' end end,
       is_in.state = 'pending'
from plan p
join promo.run r using (run_id)
cross join lateral generate_series(0, p.people - 1) i
cross join lateral (select /* contact */ as contact_id) who
cross join lateral (select /* state */ as state) is_in

-- messages --
-- The evidence of the messages.
insert into promo.attempt (attempt_id, run_id, contact_id, promo_code_id, lease_token, started_at, finished_at, purpose, outcome, detail, outcome_id)
overriding system value
select 4 * (p.first + i) + 1, p.run_id, who.contact_id, p.first + i + 1, p.run_id, begun.at,
       case when is_in.state <> 'unknown' then begun.at + interval '80 ms' end, 'message',
       case is_in.state when 'rejected' then 'refused' when 'unknown' then null else 'ok' end,
       case is_in.state when 'rejected' then '400 the token is not known' else '200' end,
       case when is_in.state <> 'unknown' then 4 * (p.first + i) + 2 end
from plan p
join promo.run r using (run_id)
cross join lateral generate_series(0, p.people - 1) i
cross join lateral (select p.opened_at + interval '10 seconds' + i * interval '10 minutes' / p.people as at) begun
cross join lateral (select /* contact */ as contact_id) who
cross join lateral (select /* state */ as state) is_in
where is_in.state in ('accepted', 'recorded', 'rejected', 'unknown')

-- profiles --
-- The evidence of the profiles.
insert into promo.attempt (attempt_id, run_id, contact_id, promo_code_id, lease_token, started_at, finished_at, purpose, outcome, source, detail, outcome_id)
overriding system value
select 4 * (p.first + i) + 3, p.run_id, who.contact_id, p.first + i + 1, p.run_id, begun.at, begun.at + interval '40 ms', 'profile',
       'ok', r.after[1], '200', 4 * (p.first + i) + 4
from plan p
join promo.run r using (run_id)
cross join lateral generate_series(0, p.people - 1) i
cross join lateral (select p.opened_at + interval '2 minutes' + i * interval '10 minutes' / p.people as at) begun
cross join lateral (select /* contact */ as contact_id) who
cross join lateral (select /* state */ as state) is_in
where is_in.state = 'recorded'

-- counts --
-- What the triggers would have kept of the runs: one row of a closed run, many of one that is live.
insert into promo.run_count (run_id, counted_at, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
select run_id, case when p.kind = 'live' then now() - (300 - part) * interval '1 second' else p.opened_at + interval '12 minutes' end,
       count(*) filter (where state = 'pending'), count(*) filter (where state = 'skipped'),
       count(*) filter (where state = 'assigned'), count(*) filter (where state = 'sending'),
       count(*) filter (where state = 'accepted'), count(*) filter (where state = 'rejected'),
       count(*) filter (where state = 'unknown'), count(*) filter (where state = 'recorded'),
       count(*) filter (where state = 'expired')
from promo.assignment a
join plan p using (run_id)
cross join lateral (select case when p.kind = 'live' then a.contact_id %% 300 else 0 end as part) parts
group by run_id, part, p.kind, p.opened_at

-- demand --
-- What the open runs have still to claim.
insert into promo.code_demand (run_id, codes)
select run_id, count(*) from promo.assignment join plan p using (run_id)
where p.kind in ('live', 'awaiting', 'paused') and state = 'pending' and needs_code group by run_id

-- unknown --
-- The sends of unknown outcome.
insert into promo.unknown_send (run_id, contact_id) select run_id, contact_id from promo.assignment where state = 'unknown'

-- inbox --
-- What the built-in transport kept of the live run.
insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, title, body, received_at)
select md5(t.attempt_id::text)::uuid, t.contact_id, 'mobilepush', 'token-' || t.contact_id, 'A present for you',
       'Here is your code: ' || c.code, t.finished_at
from promo.attempt t join promo.promo_code c using (promo_code_id)
where t.run_id = %(runs)s and t.purpose = 'message' and t.outcome = 'ok'

-- audit --
-- Who did what.
insert into promo.audit (begun_at, finished_at, row_count, revealed, action, subject, actor, reason)
select p.opened_at, p.opened_at + interval '1 second', p.people, p.run_id %% 7 = 0,
       (array['export', 'pause', 'resume', 'cancel'])[1 + p.run_id %% 4], r.run_key,
       (array['marta', 'jonas'])[1 + p.run_id %% 2] || ' as promo', case when p.run_id %% 4 > 0 then 'asked for by the shop' end
from plan p join promo.run r using (run_id) order by p.run_id

-- receivers --
-- Receivers, of which one refuses.
insert into promo.receiver (name, failures, open_until, reason)
select 'receiver_' || n, 0, null, null from generate_series(1, 28) n
union all
select 'loyalty_points', 3, 'infinity'::timestamptz, '401 the key is not known'
on conflict (name) do nothing

-- sequences --
-- What comes next has the next numbers.
select setval(pg_get_serial_sequence('promo.run', 'run_id'), %(runs)s),
       setval(pg_get_serial_sequence('promo.contact', 'contact_id'), %(contacts)s),
       setval(pg_get_serial_sequence('promo.promo_code', 'promo_code_id'), %(codes)s),
       setval(pg_get_serial_sequence('promo.code_file', 'code_file_id'), (select max(code_file_id) from promo.code_file)),
       setval(pg_get_serial_sequence('promo.attempt', 'attempt_id'), 4 * %(rows)s),
       setval('promo.lease_token', %(runs)s)

-- indexes --
-- The indexes that cost the most while rows are added in another order than theirs.
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made
from pg_index where indexrelid in ('promo.promo_code_key'::regclass, 'promo.promo_code_stock'::regclass, 'promo.promo_code_of_file'::regclass)
