-- find_set --
-- Find the set of codes that was generated under this key.
select g.code_file_id, g.terms, g.codes, encode(f.sha256, 'hex') as sha256, f.withdrawn_at is not null as withdrawn
from promo.generated_codes g join promo.code_file f on f.code_file_id = g.code_file_id
where g.idempotency_key = %(key)s

-- count_drawn --
-- How many codes were drawn from a pattern before, in all its sets: a shop may know those of a withdrawn one still.
select coalesce(sum(codes), 0)::bigint as codes from promo.generated_codes where promo.code_key(pattern) = promo.code_key(%(pattern)s)

-- add_codes --
-- Add codes with the lines that they have in the file, in the order in which they come: that of the unique index. One that the
-- pool holds in any case or form is left out.
insert into promo.promo_code (expires_at, code_file_id, line, discount, retired, code, type, attributes, waits_until)
select %(expires_at)s, %(code_file_id)s, drawn.line, %(discount)s, terms.waits_until is not null, drawn.code, %(type)s,
       terms.attributes, terms.waits_until
from unnest(%(codes)s::text[], %(lines)s::bigint[]) drawn (code, line)
cross join (
  select case when %(attributes)s::text = '' then '' else %(attributes)s::jsonb::text end as attributes,
         case when %(starts_at)s::timestamptz > promo.clock() then %(starts_at)s::timestamptz end as waits_until offset 0) terms
on conflict (promo.code_key(code) collate "C") where not twin do nothing

-- lacking_lines --
-- The lines whose codes are not in the pool, as it held the same codes before. Each is looked for by itself.
select drawn.line
from unnest(%(codes)s::text[], %(lines)s::bigint[]) drawn (code, line)
where (select k.promo_code_id from promo.promo_code k
       where promo.code_key(k.code) collate "C" = promo.code_key(drawn.code) collate "C" and not k.twin
         and k.code_file_id = %(code_file_id)s and k.line = drawn.line) is null

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
