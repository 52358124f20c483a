-- codes_of_contacts --
-- The codes that contacts hold in any run, each looked up by itself.
select a.contact_id, p.code
from promo.assignment a
cross join lateral (select c.code from promo.promo_code c where c.promo_code_id = a.promo_code_id offset 0) p
where a.contact_id = any(%(contact_ids)s::bigint[]);
