-- read_levels --
-- Each level with the free codes of its type, and when somebody was told that they reached it.
select l.type, l.level, l.amount, coalesce(s.free, 0) as free, t.told_at
from unnest(%(types)s::text[], %(levels)s::text[], %(amounts)s::bigint[]) with ordinality as l (type, level, amount, position)
left join (
  select pool.type, sum(valid.codes)::bigint as free
  from (select distinct type, discount from promo.code_stock where type = any(%(types)s)) pool
  cross join lateral promo.free_codes(pool.type, pool.discount, promo.clock()) valid
  group by pool.type
) s using (type)
left join promo.stock_level t using (type, level, amount)
order by l.position;

-- forget_levels --
-- Levels above which the stock has risen again, and those that are no more, may be told of anew.
delete from promo.stock_level t
where (t.type, t.level, t.amount) not in (
  select * from unnest(%(types)s::text[], %(levels)s::text[], %(amounts)s::bigint[]));

-- note_told --
-- Somebody was told that the stock reached this level.
insert into promo.stock_level (type, level, amount) values (%(type)s, %(level)s, %(amount)s) on conflict do nothing;
