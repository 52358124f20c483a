-- read_levels --
-- Each level with the free codes of its type, and when somebody was told that they reached it.
select l.type, l.level, l.amount, coalesce(s.free, 0) as free, t.told_at
from unnest(%(types)s::text[], %(levels)s::text[], %(amounts)s::bigint[]) with ordinality as l (type, level, amount, position)
left join (
  select pool.type, sum(valid.codes)::bigint as free
  from (select distinct type, discount, attributes from promo.code_stock where type = any(%(types)s)) pool
  cross join lateral promo.free_codes(pool.type, pool.discount, promo.clock(), pool.attributes) valid
  group by pool.type
) s using (type)
left join promo.alert t on (t.kind, t.subject) = ('low_stock', l.type || '/' || l.level || '/' || l.amount)
order by l.position;
