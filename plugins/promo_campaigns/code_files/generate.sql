-- find_set --
-- Find the set of codes that was generated under this key.
select g.code_file_id, g.terms, g.codes, encode(f.sha256, 'hex') as sha256, f.withdrawn_at is not null as withdrawn
from promo.generated_codes g join promo.code_file f on f.code_file_id = g.code_file_id
where g.idempotency_key = %(key)s

-- count_drawn --
-- How many codes were drawn from a pattern before, in all its sets: a shop may know those of a withdrawn one still.
select coalesce(sum(codes), 0)::bigint as codes from promo.generated_codes where promo.code_key(pattern) = promo.code_key(%(pattern)s)

-- add_codes --
-- Add the codes that the pool does not hold in any case or form, with the lines that they get in the file if they stay in
-- this order; in the order of the unique index. Each is looked for by itself, so that the pool is not read through.
insert into promo.promo_code (expires_at, code_file_id, line, discount, retired, code, type)
select %(expires_at)s, %(code_file_id)s, %(line)s + row_number() over (order by place), %(discount)s, false, code, %(type)s
from (
  select distinct on (drawn.key) drawn.key, drawn.code, drawn.place
  from (select one as code, promo.code_key(one) collate "C" as key, place
        from unnest(%(codes)s::text[]) with ordinality listed (one, place)) drawn
  where (select k.promo_code_id from promo.promo_code k
         where promo.code_key(k.code) collate "C" = drawn.key and not k.twin) is null
  order by drawn.key, drawn.place
) fresh
order by key
on conflict (promo.code_key(code) collate "C") where not twin do nothing
returning line, code

-- finish_file --
-- Write the counts and the digest of a file whose codes are in.
update promo.code_file set row_count = %(codes)s, inserted = %(codes)s, sha256 = %(sha256)s where code_file_id = %(code_file_id)s

-- add_set --
-- Note the set, so that its key makes no other one.
insert into promo.generated_codes (idempotency_key, code_file_id, pattern, codes, terms)
values (%(key)s, %(code_file_id)s, %(pattern)s, %(codes)s, %(terms)s)

-- codes_of_set --
-- The codes of a set in the order of its file.
select code from promo.promo_code where code_file_id = %(code_file_id)s order by line
