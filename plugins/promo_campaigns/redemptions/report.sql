-- count_runs --
-- How many contacts each of some runs has sent a code, how many of these codes were redeemed, and what is odd; run by run.
select r.run_id, r.run_key, r.workflow, coalesce(r.pool_types, array[r.code_type]) as types,
       coalesce(r.pool_discounts, array[r.discount]) as discounts, s.sent, d.redeemed, d.redemptions, d.odd
from unnest(%(run_ids)s::bigint[]) asked (run_id)
join promo.run r on r.run_id = asked.run_id
cross join lateral (
  select case when r.counted
    then (select coalesce(sum(k.accepted + k.recorded), 0)::bigint from promo.run_count k where k.run_id = r.run_id)
    else (select count(*) from promo.assignment a where a.run_id = r.run_id and a.state in ('accepted', 'recorded')) end as sent) s
cross join lateral (
  select count(distinct x.promo_code_id) as redeemed, count(*) as redemptions, count(x.finding) as odd
  from promo.redemption x where x.run_id = r.run_id) d
order by r.run_id desc

-- sum_revenue --
-- What was paid with the codes of each of some runs, by currency.
select d.run_id, d.currency, sum(d.amount) as amount
from promo.redemption d where d.run_id = any(%(run_ids)s) and d.currency is not null
group by d.run_id, d.currency order by d.run_id, d.currency

-- count_findings --
-- What is odd about the redemptions of some runs.
select d.finding, count(*) as redemptions
from promo.redemption d where d.run_id = any(%(run_ids)s) and d.finding is not null
group by d.finding order by d.finding

-- count_arms --
-- How many of those who were sent a code of a run, and of those who were held out, redeemed a code since it was opened,
-- whichever code; and what they paid. Each is looked up by itself (offset 0); the moment is an expression, so that nobody is
-- looked for in the index by time.
with member as (
  select a.contact_id, r.opened_at, case when a.state = 'skipped' then 'held out' else 'sent a code' end as arm
  from promo.run r join promo.assignment a on a.run_id = r.run_id
  where r.run_id = %(run_id)s
    and (a.state in ('accepted', 'recorded') or a.state = 'skipped' and a.reason = 'hold-out')
)
select m.arm, d.currency, grouping(d.currency) = 1 as in_all, count(distinct m.contact_id) as contacts,
       count(distinct m.contact_id) filter (where d.redemption_id is not null) as redeemed, sum(d.amount) as amount
from member m
left join lateral (
  select x.redemption_id, x.currency, x.amount from promo.redemption x
  where x.person_id = m.contact_id and x.redeemed_at + interval '0' >= m.opened_at offset 0) d on true
group by grouping sets ((m.arm), (m.arm, d.currency))
order by m.arm desc, d.currency

-- list_findings --
-- Redemptions that are odd, newest first.
select d.redemption_id, d.redeemed_at, d.order_id, d.code, d.finding, d.owner_id, d.contact_id, coalesce(r.run_key, '') as run_key, d.source
from promo.redemption d left join promo.run r on r.run_id = d.run_id
where d.finding is not null and d.redemption_id < %(before)s
order by d.redemption_id desc limit %(limit)s
