-- sends --
-- What the newest runs of contacts sent them, by which a receiver's own record is known again: how often anew, and codes.
-- Runs and codes are looked up one by one (offset 0): for a page of contacts no table is worth reading through.
select a.contact_id, r.run_key, r.workflow, a.resend_counter, codes.codes
from unnest(%(contact_ids)s::bigint[]) as named (contact_id)
cross join lateral (
  select o.contact_id, o.run_id, o.resend_counter, o.promo_code_id from promo.assignment o
  where o.contact_id = named.contact_id order by -o.run_id limit %(limit)s
) a
cross join lateral (select o.run_key, o.workflow from promo.run o where o.run_id = a.run_id offset 0) r
cross join lateral (
  select array_agg(p.code) as codes
  from (
    select a.promo_code_id
    union
    select t.promo_code_id from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
  ) ever
  cross join lateral (select c.code from promo.promo_code c where c.promo_code_id = ever.promo_code_id offset 0) p
) codes
where codes.codes is not null;
