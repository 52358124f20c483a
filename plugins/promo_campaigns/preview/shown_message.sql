-- codes_of_contacts --
-- The codes that contacts were given by their newest runs, each looked up by itself.
select named.contact_id, p.code
from unnest(%(contact_ids)s::bigint[]) as named (contact_id)
cross join lateral (
  select o.promo_code_id from promo.assignment o
  where o.contact_id = named.contact_id order by -o.run_id limit %(limit)s
) a
cross join lateral (select c.code from promo.promo_code c where c.promo_code_id = a.promo_code_id offset 0) p;
