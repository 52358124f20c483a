-- weigh_chain --
-- What open runs want of some pools, and of all that these are chained to by open runs, and what the pools hold: in one
-- statement, for a code claimed in between would be wanted and gone. Every open run that can take a code of these pools has
-- its first pool among them. Runs with a chain are few beside all that are open. Of one whose codes match its contacts those
-- who wait are counted by what they have.
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
), taking as materialized (
  select r.run_id, coalesce(r.pool_types, array[r.code_type]) as types,
         coalesce(r.pool_discounts, array[r.discount]) as discounts, r.days, r.match_names is not null as matches
  from pool p
  join promo.run r on r.code_type = p.type and r.discount = p.discount and r.closed_at is null
  where r.send_by is null or r.send_by > promo.clock()
), wanting as materialized (
  select t.run_id, t.types, t.discounts, t.days, '' as attributes, sum(d.codes)::bigint as codes
  from taking t join promo.code_demand d on d.run_id = t.run_id
  where not t.matches group by t.run_id, t.types, t.discounts, t.days
  union all
  select t.run_id, t.types, t.discounts, t.days, waiting.attributes, waiting.codes
  from taking t
  cross join lateral (
    select coalesce(m.attributes, '') as attributes, count(*) as codes
    from promo.assignment a
    left join lateral (
      select v.attributes from promo.match_value v
      where v.run_id = a.run_id and v.contact_id = a.contact_id offset 0) m on true
    where a.run_id = t.run_id and a.state = 'pending' and a.needs_code
    group by 1) waiting
  where t.matches
), term as (
  select days from wanting union select %(days)s
), carried as (
  select attributes from wanting
  union select ''
  union select s.attributes from pool p join promo.code_stock s on s.type = p.type and s.discount = p.discount
  where %(matches)s
), stock as materialized (
  select p.type, p.discount, c.attributes, t.days, f.codes
  from pool p cross join carried c cross join term t
  cross join lateral promo.free_codes(
    p.type, p.discount, greatest(promo.clock(), %(at)s::timestamptz) + make_interval(days => t.days), c.attributes) f
)
select (select coalesce(jsonb_agg(jsonb_build_object(
          'run_id', run_id, 'types', types, 'discounts', discounts, 'days', days, 'attributes', attributes, 'codes', codes)
          order by run_id, attributes), '[]')
        from wanting) as wanting,
       (select jsonb_agg(jsonb_build_object(
          'type', type, 'discount', discount, 'attributes', attributes, 'days', days, 'codes', codes)) from stock) as stock,
       (select coalesce(jsonb_object_agg(v.attributes, v.codes), '{}')
        from (
          select c.attributes, sum(f.codes)::bigint as codes
          from unnest(%(types)s::text[], %(discounts)s::smallint[]) a (type, discount) cross join carried c
          cross join lateral promo.free_codes(a.type, a.discount, promo.clock(), c.attributes) f group by c.attributes) v
       ) as valid;

-- chained_pools --
-- The pools of the open runs that take codes from a chain.
select distinct pool.type, pool.discount
from promo.run r cross join lateral unnest(r.pool_types, r.pool_discounts) pool (type, discount)
where r.closed_at is null and r.pool_types is not null
order by pool.type, pool.discount;
