-- compact_stock --
-- Makes one row an hour of the pool's kept stock, once there are many more: asked for while the pool is locked, so that one
-- does it at a time.
with kept as (
  select count(*) > 2 * count(distinct (attributes, hour)) + 1000 as many
  from promo.code_stock where type = %(type)s and discount = %(discount)s
), gone as (
  delete from promo.code_stock
  where type = %(type)s and discount = %(discount)s and (select many from kept)
  returning attributes, hour, free, issued, retired, longest
)
insert into promo.code_stock (type, discount, attributes, hour, free, issued, retired, longest)
select %(type)s, %(discount)s, attributes, hour, sum(free), sum(issued), sum(retired), max(longest) from gone
group by attributes, hour;

-- count_demand --
-- Keeps how many codes the run has to claim, when it was opened or opened again. What others claim for it meanwhile is in
-- rows that this does not see, and stays.
with gone as (
  delete from promo.code_demand where run_id = %(run_id)s
)
insert into promo.code_demand (run_id, codes)
select %(run_id)s, count(*) from promo.assignment
where run_id = %(run_id)s and state = 'pending' and needs_code having count(*) > 0;

-- weigh --
-- What is wanted of a pool and what there is, in one statement: a code claimed in between would be wanted and gone.
-- Wanted are the codes that open runs have still to claim, the run's own and the others'. Free codes are those that will
-- be valid for the days asked for when they are given out, and those that will not. Runs whose chain has the pool among
-- others make it another question.
with fresh as materialized (
  select codes from promo.free_codes(
    %(type)s, %(discount)s::smallint, greatest(promo.clock(), %(at)s::timestamptz) + make_interval(days => %(days)s))
), valid as materialized (
  select codes from promo.free_codes(%(type)s, %(discount)s::smallint, promo.clock())
)
select wanted.demand, wanted.ahead, fresh.codes as stock, valid.codes - fresh.codes as expiring,
       exists (
         select from promo.run r cross join lateral unnest(r.pool_types, r.pool_discounts) pool (type, discount)
         where r.closed_at is null and r.pool_types is not null
           and pool.type = %(type)s and pool.discount = %(discount)s::smallint) as is_chained
from (
  select coalesce(sum(d.codes) filter (where r.run_id = %(run_id)s), 0)::bigint as demand,
         coalesce(sum(d.codes) filter (where r.run_id is distinct from %(run_id)s), 0)::bigint as ahead
  from promo.run r
  join promo.code_demand d on d.run_id = r.run_id
  where r.code_type = %(type)s and r.discount = %(discount)s and r.closed_at is null
    and (r.send_by is null or r.send_by > promo.clock())
) wanted
cross join fresh cross join valid;

-- skip_without_code --
-- Of the run's contacts who wait for a code the last ones, in the order of contact ids, go without.
with without as (
  select run_id, contact_id from promo.assignment
  where run_id = %(run_id)s and state = 'pending' and needs_code
  order by contact_id desc limit %(shortfall)s
), /* fragment go_without */
/* fragment less_demand */;

-- keep_forecast --
-- What the run was weighed with, and what it does without codes.
update promo.run set forecast = %(forecast)s, stock_policy = %(stock_policy)s where run_id = %(run_id)s;
