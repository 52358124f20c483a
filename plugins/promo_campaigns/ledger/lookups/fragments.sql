-- Passages that several lookups have in common.

-- in_run --
-- The contacts of a `page` of one run, with when the message was accepted, how often it was tried and what came last.
select p.contact_id, p.state::text as state, p.reason, c.code, sent.sent_at, sent.attempts, sent.last_status
from page p
left join promo.promo_code c on c.promo_code_id = p.promo_code_id
cross join lateral (
  select min(t.finished_at) filter (where t.outcome = 'ok') as sent_at, count(*) as attempts,
         (array_agg(coalesce(t.detail, t.outcome, 'no answer so far') order by t.attempt_id desc))[1] as last_status
  from promo.attempt t where t.run_id = p.run_id and t.contact_id = p.contact_id and t.purpose = 'message'
) sent
order by p.contact_id

-- given --
-- The assignments of a `page` with their runs and codes, newest first.
select p.contact_id, p.run_id, r.run_key, r.workflow, p.state::text as state, p.reason, c.code, c.type, c.discount, c.expires_at,
       case when c.code is not null then coalesce(p.reused_at, c.issued_at) end as given_at, called.sent_at, called.recorded_at
from page p
join promo.run r on r.run_id = p.run_id
left join promo.promo_code c on c.promo_code_id = p.promo_code_id
cross join lateral (
  select min(t.finished_at) filter (where t.purpose = 'message') as sent_at,
         max(t.finished_at) filter (where t.purpose = 'profile') as recorded_at
  from promo.attempt t where t.run_id = p.run_id and t.contact_id = p.contact_id and t.outcome = 'ok'
) called
order by p.run_id desc
