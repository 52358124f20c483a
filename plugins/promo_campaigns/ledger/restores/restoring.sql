-- say_restored --
-- Says that the store was brought back to a moment. Said again before it is decided, it is said anew, of the earlier moment.
insert into promo.store_restore as s (restored_to, said_by, reason, claim_id)
values (%(restored_to)s, %(by)s, %(reason)s, nextval('promo.attempt_attempt_id_seq'))
on conflict ((lifted_at is null)) where lifted_at is null do update
  set restored_to = least(s.restored_to, excluded.restored_to), said_at = promo.clock(), said_by = excluded.said_by,
      reason = coalesce(excluded.reason, s.reason), free_codes = null, rest = null
returning restore_id;

-- read_clock --
-- What time it is.
select promo.clock() as now;

-- skip_numbers --
-- Numbers that others may have of forgotten runs, contacts and leases are not given a second time.
select setval('promo.run_run_id_seq', nextval('promo.run_run_id_seq') + %(skipped)s) as run_id,
       setval('promo.contact_contact_id_seq', nextval('promo.contact_contact_id_seq') + %(skipped)s) as contact_id,
       setval('promo.lease_token', nextval('promo.lease_token') + %(skipped)s) as lease_token;

-- freeze_runs --
-- Every run that is open waits until it is decided.
insert into promo.restored_run as x (run_id, restore_id)
select run_id, %(restore_id)s from promo.run where closed_at is null
on conflict (run_id) do update set restore_id = excluded.restore_id, rest = null, decided_at = null
returning run_id;

-- freeze_sends --
-- Contacts of the run who held a code, and were not sent to yet or just then, may have been since.
with gone as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, %(restored_to)s::timestamptz as at from promo.assignment a
  where a.run_id = %(run_id)s and a.state in ('assigned', 'sending') order by a.contact_id for update
), /* fragment taken_for_sent */;

-- put_off_events --
-- Events that waited may have been answered since: they wait no more, until it is decided.
update promo.event_queue set taken_at = promo.clock(), refused = 'restored' where taken_at is null;

-- read_restore --
-- The newest restore, whether it is decided to its end or not.
select restore_id, restored_to, said_at, said_by, coalesce(reason, '') as reason, free_codes, rest, lifted_at, claim_id
from promo.store_restore order by restore_id desc limit 1;

-- waiting_runs --
-- The runs that wait for a decision, with how many contacts wait for a code, and of how many nobody knows whether they were sent to.
select r.run_id, r.run_key, c.pending, c.unknown
from promo.restored_run x
join promo.run r using (run_id)
cross join lateral (
  select coalesce(sum(k.pending), 0)::bigint as pending, coalesce(sum(k.unknown), 0)::bigint as unknown
  from promo.run_count k where k.run_id = x.run_id) c
where x.decided_at is null order by r.run_id;

-- count_free --
-- How many codes the pools hold that may have been given since.
select coalesce(sum(free), 0)::bigint as codes from promo.code_stock;

-- count_put_off --
-- How many events wait for a decision.
select count(*) as events from promo.event_queue where refused = 'restored';

-- count_forgotten --
-- What receivers told of runs that the store does not know.
select count(*) as sends, count(distinct t.run_key) as runs from promo.restored_send t
where not exists (select from promo.run r where r.run_key = t.run_key);

-- find_decision --
-- The restore that keeps a run from being opened: it is not decided, or what it forgot was decided to be sent, and the run is
-- due, or was opened, before it was said; or the run itself was decided so.
select s.restored_to, s.lifted_at is null and s.rest is null as waits
from promo.store_restore s
where (s.lifted_at is null and s.rest is null or s.rest = 'sent')
    and coalesce(%(due_at)s::timestamptz, (select r.opened_at from promo.run r where r.run_id = %(run_id)s)) <= s.said_at
    and not exists (
      select from promo.restored_run x where x.run_id = %(run_id)s and x.restore_id = s.restore_id and x.rest = 'unsent')
  or exists (
    select from promo.restored_run x where x.run_id = %(run_id)s and x.restore_id = s.restore_id and x.rest = 'sent')
order by s.restore_id desc limit 1;
