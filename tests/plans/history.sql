-- audience --
-- Who was in which run, with which code and what came of it: one contact for an event, and 3,000 for each 334th run, a
-- campaign. Eight in ten were reached.
create temporary table audience as
select n::bigint as run_id, n::bigint as contact_id, n::bigint * 10 as promo_code_id, 0 as fate
from generate_series(%(first)s + 1, %(last)s) n where n %% 334 > 0
union all
select c.run * 334, 1 + (c.run * 97 + j * (%(last)s / 3000)) %% %(last)s, m.number / 9 * 10 + m.number %% 9 + 1, j %% 10
from generate_series(%(first)s / 334 + 1, %(last)s / 334) c (run), generate_series(0, 2999) j,
     lateral (select %(first)s * 9 + (c.run - %(first)s / 334 - 1) * 3000 + j as number) m
order by 1, 2;
analyze audience;

-- code_files --
-- Files of 1,000 codes, each with a few rejects.
insert into promo.code_file (code_file_id, name, sha256, row_count, inserted, updated, unchanged, rejected)
overriding system value
select n, 'codes-' || n || '.csv', sha256(convert_to(n::text, 'UTF8')), 1003, 1000, 0, 0, 3
from generate_series((%(first)s * 10 + 999) / 1000 + 1, (%(last)s * 10 + 999) / 1000) n;

-- code_file_rejects --
-- What was rejected of them.
insert into promo.code_file_reject (code_file_id, line, "column", reason)
select n, line, 'code', 'the code is empty' from generate_series((%(first)s * 10 + 999) / 1000 + 1, (%(last)s * 10 + 999) / 1000) n, generate_series(1, 3) line;

-- codes --
-- Ten codes a contact: nine in ten of one pool, and each tenth one of three others. Three files fill the table side by
-- side, as they do once codes are claimed. Of the codes that nobody holds the half ran out.
insert into promo.promo_code
  (promo_code_id, code, type, discount, expires_at, retired, code_file_id, line, issued_at, held_by)
overriding system value
select c.id, 'C' || lpad(c.id::text, 9, '0'), case when c.id %% 10 = 0 then 'Other' || c.id / 10 %% 3 else 'Welcome' end, 10,
       now() + make_interval(days => case when h.contact_id is null and c.id %% 2 = 0 then -5 else 40 end), false,
       (c.id - 1) / 1000 + 1, (c.id - 1) %% 1000 + 2, case when h.contact_id is not null then now() - interval '60 days' end,
       h.contact_id
from (select %(first)s * 10 + part * (%(last)s - %(first)s) * 10 / 3 + place as id
      from generate_series(1, (%(last)s - %(first)s) * 10 / 3) place, generate_series(0, 2) part order by place, part) c
left join audience h on h.promo_code_id = c.id and h.fate < 8
order by (c.id - %(first)s * 10 - 1) %% ((%(last)s - %(first)s) * 10 / 3);

-- contacts --
-- The contacts, one in fifty of whom was erased.
insert into promo.contact (contact_id, external_id, first_name, last_name, language, erased_at)
overriding system value
select n, case when n %% 50 > 0 then 'customer-' || n end, case when n %% 50 > 0 then 'Ada' end,
       case when n %% 50 > 0 then 'Lovelace' end, case when n %% 50 > 0 then 'en' end, case when n %% 50 = 0 then now() end
from generate_series(%(first)s + 1, %(last)s) n;

-- contact_channels --
-- A token and an address each.
insert into promo.contact_channel (contact_id, type, value)
select n, type, case type when 'email' then 'c' || n || '@example.com' else 'token-' || n end
from generate_series(%(first)s + 1, %(last)s) n, unnest('{mobilepush,email}'::text[]) type where n %% 50 > 0;

-- contact_field_values --
-- Two fields each.
insert into promo.contact_field_value (contact_id, contact_field_id, value)
select n, field, 'value ' || n from generate_series(%(first)s + 1, %(last)s) n, generate_series(1, 2) field where n %% 50 > 0;

-- contact_groups --
-- Four groups, the last of which nobody is in.
with made as (
  insert into promo.contact_group (contact_group_id, name) overriding system value
  select n, 'group ' || n from generate_series(1, 4) n on conflict do nothing
)
select setval(pg_get_serial_sequence('promo.contact_group', 'contact_group_id'), 4);

-- contact_group_members --
-- Each contact is in three groups.
insert into promo.contact_group_member (contact_group_id, contact_id)
select g, n from generate_series(1, 3) g, generate_series(%(first)s + 1, %(last)s) n where n %% 50 > 0;

-- contact_addresses --
-- Where they live.
insert into promo.contact_address (contact_id, town, postcode)
select n, 'Kyiv', lpad((n %% 1000)::text, 5, '0') from generate_series(%(first)s + 1, %(last)s) n where n %% 50 > 0;

-- erased_identities --
-- What recognises the erased.
insert into promo.erased_identity (digest, contact_id)
select promo.identity_digest(k.inner_pad, k.outer_pad, 'external id', 'customer-' || n), n
from promo.erasure_key k, generate_series(%(first)s / 50 + 1, %(last)s / 50) fifty, lateral (select fifty * 50 as n) whose;

-- runs --
-- A closed run for every contact, of one event; and every 334th is a campaign.
insert into promo.run
  (run_id, run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, after, opened_at,
   closed_at, cap_messages, cap_window)
overriding system value
select n, 'w' || n %% 40 || '/' || n, 'w' || n %% 40, '{}', sha256('x'), 'm', 'mobilepush', case when n %% 334 = 0 then 'Welcome' else 'Other0' end,
       10, 7, true, '{0}', now() - interval '60 days' + make_interval(secs => n), now() - interval '59 days' + make_interval(secs => n),
       3, interval '7 days'
from generate_series(%(first)s + 1, %(last)s) n;

-- assignments --
-- The audiences, in which the whole table of contacts has its share: most got a code, which is on their profiles.
insert into promo.assignment (run_id, contact_id, promo_code_id, state, reason)
select run_id, contact_id, case when fate < 8 then promo_code_id end,
       (case when fate < 8 then 'recorded' when fate = 8 then 'skipped' else 'rejected' end)::promo.assignment_state,
       case when fate = 8 then 'no channel' when fate = 9 then 'refused' end
from audience;

-- attempts --
-- A message each, and a profile for the half.
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, started_at, finished_at, purpose, outcome)
select run_id, contact_id, promo_code_id, run_id, now() - interval '60 days', now() - interval '60 days', purpose,
       case when fate = 9 then 'refused' else 'ok' end
from audience, unnest('{message,profile}'::text[]) purpose
where fate <> 8 and (purpose = 'message' or (fate < 8 and contact_id %% 3 = 0));

-- answers --
-- Answers of some events' runs, which retention has yet to erase.
insert into promo.answer (run_id, contact_id, promo_code_id, source, resend_counter, value)
select run_id, contact_id, promo_code_id, 0, 0, '{"points": 1}' from audience where run_id %% 334 > 0 and run_id %% 20 = 0;

-- audience_values --
-- What audiences told of contacts of others, which retention has yet to erase.
insert into promo.audience_value (run_id, contact_id, value)
select run_id, contact_id, '{"spent": ["decimal", "1.50"]}' from audience where run_id %% 334 > 0 and run_id %% 20 = 10;

-- events --
-- Two events each; the params of some are not erased yet.
insert into promo.event (event_id, type, contact_id, token, kept, params, received_at)
overriding system value
select n, case when n %% 2 = 0 then 'opened' else 'bought' end, n / 2, gen_random_uuid(), n %% 2 = 0 and n %% 25 > 0,
       case when n %% 25 = 0 then '{"a": 1}'::jsonb end, now() - interval '25 days' + make_interval(secs => n)
from generate_series(%(first)s * 2 + 1, %(last)s * 2) n;

-- event_queues --
-- One was taken by a run, the other refused.
insert into promo.event_queue (event_id, workflow, contact_id, received_at, run_id, taken_at, refused)
select n, 'hello', n / 2, now() - interval '60 days' + make_interval(secs => n), case when n %% 2 = 0 then n / 2 end, now(),
       case when n %% 2 = 1 then 'once' end
from generate_series(%(first)s * 2 + 1, %(last)s * 2) n;

-- inbox_messages --
-- A message each.
insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, title, body, received_at)
select gen_random_uuid(), n, 'mobilepush', 'token-' || n, 'Hi', 'Code: C' || n, now() - interval '60 days' + make_interval(secs => n)
from generate_series(%(first)s + 1, %(last)s) n;

-- imports --
-- Bulk requests that were worked off.
insert into promo.contact_import (state, total, finished_at)
select 'finished', 100, now() from generate_series(%(first)s / 10 + 1, %(last)s / 10) n;

-- audits --
-- Exports.
insert into promo.audit (action, subject, actor, finished_at, row_count)
select 'export', 'run ' || n, 'ops', now(), 1 from generate_series(%(first)s / 10 + 1, %(last)s / 10) n;

-- sequences --
-- What comes next has the next numbers.
select setval(pg_get_serial_sequence('promo.contact', 'contact_id'), %(last)s),
       setval(pg_get_serial_sequence('promo.promo_code', 'promo_code_id'), %(last)s * 10),
       setval(pg_get_serial_sequence('promo.code_file', 'code_file_id'), (select max(code_file_id) from promo.code_file)),
       setval(pg_get_serial_sequence('promo.run', 'run_id'), %(last)s),
       setval(pg_get_serial_sequence('promo.event', 'event_id'), %(last)s * 2);
