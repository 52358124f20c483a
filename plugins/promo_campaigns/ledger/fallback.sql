-- keep_file --
-- Copies of fallback codes need a file that they are said to come from, and that file's time zone.
insert into promo.code_file (name, sha256, row_count, inserted, updated, unchanged, rejected, time_zone)
values ('fallback codes', %(fallback_file)s, 0, 0, 0, 0, 0, %(fallback_zone)s)
on conflict (sha256) where withdrawn_at is null do nothing;

-- weigh_fallback --
-- What forbids to give a code to several contacts: the pool holds it, or it ends too soon.
select exists (
         select from promo.promo_code p
         where promo.code_key(p.code) collate "C" = promo.code_key(%(fallback_code)s) collate "C" and not p.twin) as is_in_pool,
       %(fallback_expires_at)s < promo.clock() + make_interval(days => %(days)s) as ends_too_soon;

-- give_fallback --
-- Each contact for whom the pool had no code is given the run's fallback code: a row of its own, so that it is held as
-- every code is, and one that is never free. Nobody is given one that has less than the days asked for.
with /* fragment waiting */, copied as (
  insert into promo.promo_code
    (code, type, discount, expires_at, issued_at, held_by, code_file_id, line, retired, twin, shared)
  select %(fallback_code)s, %(fallback_type)s, %(fallback_discount)s, %(fallback_expires_at)s, %(at)s, due.contact_id,
         file.code_file_id, 1, true, true, true
  from due
  cross join (
    (select code_file_id from promo.code_file where sha256 = %(fallback_file)s and withdrawn_at is null)
    union all
    (select code_file_id from promo.code_file where sha256 = %(fallback_file)s and withdrawn_at is not null)
    limit 1) file
  where %(fallback_expires_at)s >= %(at)s::timestamptz + make_interval(days => %(days)s)
  returning promo_code_id, held_by
), decided as (
  update promo.assignment a
  set state = 'assigned', promo_code_id = copied.promo_code_id, reused_at = null, claim_id = %(claim_id)s
  from copied where a.run_id = %(run_id)s and a.contact_id = copied.held_by
  returning a.needs_code
)
/* fragment less_demand */;

-- count_fallback --
-- How many contacts whose message was accepted hold the fallback code. The limit makes it look each code up, as `read_codes`
-- does.
select count(*) as contacts
from promo.assignment a
cross join lateral (select h.shared from promo.promo_code h where h.promo_code_id = a.promo_code_id limit 1) p
where a.run_id = %(run_id)s and a.state in ('accepted', 'recorded') and p.shared;
