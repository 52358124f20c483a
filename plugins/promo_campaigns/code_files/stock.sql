-- list_files --
-- List the files, newest first.
select code_file_id, name, encode(sha256, 'hex') as sha256, row_count, inserted, updated, unchanged, rejected, loaded_at, withdrawn_at
from promo.code_file
order by code_file_id desc
limit %(limit)s

-- stock --
-- Count the codes by type and discount; each code counts in one column.
with pool as materialized (
  select kept.type, kept.discount, kept.free, kept.issued, kept.retired, valid.codes
  from (
    select type, discount, sum(free)::bigint as free, sum(issued)::bigint as issued, sum(retired)::bigint as retired
    from promo.code_stock group by type, discount
  ) kept
  cross join lateral promo.free_codes(kept.type, kept.discount, promo.clock()) valid
)
select type, discount, codes as free, issued, retired, free - codes as expired
from pool where free + issued + retired > 0
order by type, discount
