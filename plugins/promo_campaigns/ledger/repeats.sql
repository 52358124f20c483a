-- find_repeated --
-- The newest run of the same workflow, definition and audience that was opened within the span, other than this one; not one
-- that is closed and reached nobody.
select r.run_key, extract(epoch from promo.clock() - r.opened_at)::float8 as seconds
from promo.run r
where r.workflow = %(workflow)s and r.opened_at > promo.clock() - %(within)s and r.spec_sha256 = %(spec_sha256)s
  and r.run_id <> %(run_id)s
  and (r.closed_at is null or (
    select sum(k.accepted + k.recorded + k.unknown + k.sending) > 0 from promo.run_count k where k.run_id = r.run_id))
order by r.opened_at desc limit 1;
