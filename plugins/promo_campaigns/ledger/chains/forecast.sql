-- weigh_chain --
-- What open runs want of some pools, and of all that these are chained to by open runs, and what the pools hold: in one
-- statement, for a code claimed in between would be wanted and gone. Every open run that can take a code of these pools has
-- its first pool among them. Runs with a chain are few beside all that are open.
with recursive chain as materialized (
  select pool_types as types, pool_discounts as discounts from promo.run where closed_at is null and pool_types is not null
), pool (type, discount) as (
  select a.type, a.discount from unnest(%(types)s::text[], %(discounts)s::smallint[]) a (type, discount)
  union
  select other.type, other.discount
  from pool p
  join chain c on exists (
    select from unnest(c.types, c.discounts) o (type, discount) where o.type = p.type and o.discount = p.discount)
  cross join lateral unnest(c.types, c.discounts) other (type, discount)
), wanting as materialized (
  select r.run_id, coalesce(r.pool_types, array[r.code_type]) as types,
         coalesce(r.pool_discounts, array[r.discount]) as discounts, r.days, sum(d.codes)::bigint as codes
  from pool p
  join promo.run r on r.code_type = p.type and r.discount = p.discount and r.closed_at is null
  join promo.code_demand d on d.run_id = r.run_id
  where r.send_by is null or r.send_by > promo.clock()
  group by r.run_id
), term as (
  select days from wanting union select %(days)s
), stock as materialized (
  select p.type, p.discount, t.days, f.codes
  from pool p cross join term t
  cross join lateral promo.free_codes(
    p.type, p.discount, greatest(promo.clock(), %(at)s::timestamptz) + make_interval(days => t.days)) f
)
select (select coalesce(jsonb_agg(jsonb_build_object(
          'run_id', run_id, 'types', types, 'discounts', discounts, 'days', days, 'codes', codes) order by run_id), '[]')
        from wanting) as wanting,
       (select jsonb_agg(jsonb_build_object('type', type, 'discount', discount, 'days', days, 'codes', codes)) from stock)
         as stock,
       (select coalesce(sum(f.codes), 0)::bigint
        from unnest(%(types)s::text[], %(discounts)s::smallint[]) a (type, discount)
        cross join lateral promo.free_codes(a.type, a.discount, promo.clock()) f) as valid;

-- chained_pools --
-- The pools of the open runs that take codes from a chain.
select distinct pool.type, pool.discount
from promo.run r cross join lateral unnest(r.pool_types, r.pool_discounts) pool (type, discount)
where r.closed_at is null and r.pool_types is not null
order by pool.type, pool.discount;
