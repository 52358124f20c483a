-- describe_runs --
-- What is to be known of the runs whose rows are read: the words that stand in them.
select run_key, workflow, coalesce(pool_types, array[code_type]) as code_types from promo.run where run_id = any(%(run_ids)s)

-- assignments --
-- Everybody in the audiences of some runs, in order; nothing is sorted or gathered on the way.
select r.run_key, r.workflow, a.contact_id, c.external_id, a.state::text as state, a.reason, p.code, p.type, p.discount,
       p.expires_at, evidence.accepted_at, evidence.recorded_at, a.reused_at
from promo.run r
join promo.assignment a on a.run_id = r.run_id
join promo.contact c on c.contact_id = a.contact_id
left join promo.promo_code p on p.promo_code_id = a.promo_code_id
/* fragment ledger.times_of_success */
where r.run_id = any(%(run_ids)s)
order by a.run_id, a.contact_id

-- attempts --
-- Every call that was made for the contacts of some runs, with the name of the data source that was called.
with asked as materialized (
  select run_id, run_key, workflow,
         array(select one.source ->> 'name'
               from jsonb_array_elements(spec -> 'data_sources') with ordinality as one (source, place)
               order by one.place) as sources
  from promo.run where run_id = any(%(run_ids)s)
)
select r.run_key, r.workflow, t.attempt_id, t.contact_id, t.purpose, case when t.purpose <> 'message' then r.sources[t.source + 1] end as source,
       t.outcome, t.detail, t.started_at, t.finished_at
from asked r
join promo.attempt t on t.run_id = r.run_id
order by t.run_id, t.contact_id, t.purpose, t.lease_token

-- redemptions --
-- What a shop has said of the codes that some runs gave, in the order in which it was told.
select r.run_key, r.workflow, d.redemption_id, d.code, p.type, p.discount, d.order_id, d.redeemed_at, d.owner_id, d.contact_id,
       d.amount, d.currency, d.finding
from promo.run r
join promo.redemption d on d.run_id = r.run_id
left join promo.promo_code p on p.promo_code_id = d.promo_code_id
where r.run_id = any(%(run_ids)s)
order by d.run_id, d.redemption_id
