-- weigh --
-- What is wanted of a pool and what there is, in one statement: a code claimed in between would be wanted and gone.
-- Wanted are the codes that open runs have still to claim, the run's own and the others': for pending contacts that can
-- be reached, are not held out, and are not given again what they hold. Free codes are those that will be valid for the
-- days asked for when they are given out, and those that will not.
select wanted.demand, wanted.ahead, free.stock, free.expiring
from (
  select coalesce(sum(waiting.contacts) filter (where r.run_id = %(run_id)s), 0)::bigint as demand,
         coalesce(sum(waiting.contacts) filter (where r.run_id is distinct from %(run_id)s), 0)::bigint as ahead
  from promo.run r
  cross join lateral (
    select count(*) as contacts from promo.assignment a
    where a.run_id = r.run_id and a.state = 'pending' and not promo.held_out(r.workflow, a.contact_id, r.hold_out)
      and not (r.reuses and exists (
        select from promo.code_to_reuse(a.contact_id, r.code_type, r.discount, promo.clock() + make_interval(days => r.days))))
      and exists (select from promo.contact_channel c
                  where c.contact_id = a.contact_id and c.type = r.channel and c.unsubscribed_at is null)
  ) waiting
  where r.code_type = %(type)s and r.discount = %(discount)s and r.closed_at is null
    and (r.send_by is null or r.send_by > promo.clock())
) wanted
cross join (
  select count(*) filter (where p.expires_at >= given.at + make_interval(days => %(days)s)) as stock,
         count(*) filter (where p.expires_at < given.at + make_interval(days => %(days)s)) as expiring
  from promo.promo_code p
  cross join (select greatest(promo.clock(), %(at)s::timestamptz) as at) given
  where p.type = %(type)s and p.discount = %(discount)s and not p.retired and p.issued_at is null
    and p.expires_at > promo.clock()
) free;

-- skip_without_code --
-- Of the run's contacts who wait for a code the last ones, in the order of contact ids, go without.
update promo.assignment a set state = 'skipped', reason = 'no code'
from (
  select p.contact_id from promo.run r join promo.assignment p using (run_id)
  where r.run_id = %(run_id)s and p.state = 'pending' and not promo.held_out(r.workflow, p.contact_id, r.hold_out)
    and not (r.reuses and exists (
      select from promo.code_to_reuse(p.contact_id, r.code_type, r.discount, promo.clock() + make_interval(days => r.days))))
    and exists (select from promo.contact_channel c
                where c.contact_id = p.contact_id and c.type = r.channel and c.unsubscribed_at is null)
  order by p.contact_id desc limit %(shortfall)s
) without
where a.run_id = %(run_id)s and a.contact_id = without.contact_id and a.state = 'pending';

-- keep_forecast --
-- What the run was weighed with, and what it does without codes.
update promo.run set forecast = %(forecast)s, stock_policy = %(stock_policy)s where run_id = %(run_id)s;
