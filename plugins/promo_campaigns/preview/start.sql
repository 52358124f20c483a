-- strangers_of_run --
-- Ids that the audience of a run listed when it was opened and that were nobody's, and whether anybody is in it.
select coalesce((forecast->>'strangers')::bigint, 0) as strangers,
       exists (select from promo.assignment a where a.run_id = r.run_id) as has_contacts
from promo.run r where r.run_id = %(run_id)s;
