-- list_files --
-- List the files that were loaded before one, newest first.
select code_file_id, name, encode(sha256, 'hex') as sha256, row_count, inserted, updated, unchanged, rejected, loaded_at, withdrawn_at
from promo.code_file
where code_file_id < %(before)s
order by code_file_id desc
limit %(limit)s

-- stock --
-- Count the codes by type, discount and the attributes that they carry; each code counts in one column.
with pool as materialized (
  select kept.type, kept.discount, kept.attributes, kept.free, kept.issued, kept.retired, valid.codes
  from (
    select type, discount, attributes, sum(free)::bigint as free, sum(issued)::bigint as issued, sum(retired)::bigint as retired
    from promo.code_stock group by type, discount, attributes
  ) kept
  cross join lateral promo.free_codes(kept.type, kept.discount, promo.clock(), kept.attributes) valid
)
select type, discount, attributes, codes as free, issued, retired, free - codes as expired
from pool where free + issued + retired > 0
order by type, discount, attributes

-- read_file --
-- One file.
select code_file_id, name, encode(sha256, 'hex') as sha256, row_count, inserted, updated, unchanged, rejected, loaded_at, withdrawn_at
from promo.code_file where code_file_id = %(code_file_id)s

-- list_rejects --
-- The rows of a file that were not loaded, as many as are kept, in the order of their lines.
select line, coalesce("column", '') as "column", reason from promo.code_file_reject
where code_file_id = %(code_file_id)s order by line, "column", reason

-- count_withdrawal --
-- What withdrawing a file would take out of the pool, and what was given out of it.
select f.name, f.withdrawn_at, codes.free, codes.issued
from promo.code_file f
cross join lateral (
  select count(*) filter (where issued_at is null and not retired) as free, count(*) filter (where issued_at is not null) as issued
  from promo.promo_code p where p.code_file_id = f.code_file_id
) codes
where f.code_file_id = %(code_file_id)s
