-- skip_unreachable --
-- Pending contacts of the range with no locator of the run's channel, or only closed ones, are skipped for the reason of
-- the newest; of those who can be reached the held-out are.
with decided as (
  update promo.assignment a
  set state = 'skipped',
      reason = case
        when not exists (
          select from promo.contact_channel c where c.contact_id = a.contact_id and c.type = r.channel) then 'no channel'
        when not exists (
          select from promo.contact_channel c
          where c.contact_id = a.contact_id and c.type = r.channel and c.unsubscribed_at is null) then (
          select coalesce(c.closed_for, 'unsubscribed') from promo.contact_channel c
          where c.contact_id = a.contact_id and c.type = r.channel
          order by c.change_no desc nulls last, c.updated_at desc, c.contact_channel_id desc limit 1)
        else 'hold-out' end
  from promo.run r
  where r.run_id = %(run_id)s and a.run_id = r.run_id and a.contact_id between %(first)s and %(last)s
    and a.state = 'pending' and (%(zone)s::text is null or a.time_zone = %(zone)s)
    and (%(first_share)s::boolean is null or %(first_share)s = exists (
      select from promo.first_share f where f.run_id = a.run_id and f.contact_id = a.contact_id))
    and (r.hold_out > 0 and promo.held_out(r.workflow, a.contact_id, r.hold_out) or not exists (
      select from promo.contact_channel c
      where c.contact_id = a.contact_id and c.type = r.channel and c.unsubscribed_at is null))
  returning a.needs_code
)
/* fragment less_demand */;

-- read_reachable --
-- The contacts of the range who were not skipped and did not expire, in order.
select contact_id from promo.assignment
where run_id = %(run_id)s and contact_id between %(first)s and %(last)s and state not in ('skipped', 'expired')
order by contact_id;

-- read_reachable_in_zone --
-- Of those the ones in one time zone.
select contact_id from promo.assignment
where run_id = %(run_id)s and contact_id between %(first)s and %(last)s and state not in ('skipped', 'expired')
  and time_zone = %(zone)s
order by contact_id;

-- read_reachable_by_share --
-- Of the range, by one time zone or none, those of the run's first share, or those beyond it.
select a.contact_id from promo.assignment a
where a.run_id = %(run_id)s and a.contact_id between %(first)s and %(last)s and a.state not in ('skipped', 'expired')
  and a.time_zone is not distinct from %(zone)s
  and %(first_share)s = exists (
    select from promo.first_share f where f.run_id = a.run_id and f.contact_id = a.contact_id)
order by a.contact_id;

-- return_short --
-- A code with less than the days asked for, but for one of grace, that this run never put before anybody goes back to
-- the pool, unless another run gave it too, and its contact waits for another.
with /* fragment moment */, decided as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, true as gives_back, false as seen
  from moment cross join promo.run r
  join promo.assignment a on a.run_id = r.run_id
  join promo.promo_code p on p.promo_code_id = a.promo_code_id
  where r.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.state = 'assigned'
    and p.expires_at <= moment.at + make_interval(days => greatest(r.days - 1, 0))
    and not exists (
      select from promo.attempt t
      where t.run_id = a.run_id and t.contact_id = a.contact_id
        and (t.purpose = 'message' or (t.purpose = 'answer' and t.promo_code_id = a.promo_code_id
                                       and t.shows_code and t.outcome is distinct from 'refused')))
  for update of a
), /* fragment given_back */, /* fragment waits_again */
returning a.contact_id;

-- expire_overdue --
-- Nobody is given or sent anything after the run's send-by, nor sent a code that ran out; held codes go back. A send
-- that was to be made again is unknown again, and keeps its code. A code that a data source has seen goes, but not back.
with /* fragment moment */, decided as materialized (
  select /* fragment too_late */,
         case when r.send_by <= moment.at then 'send-by passed' else 'code expired' end as reason
  from moment cross join promo.run r
  join promo.assignment a on a.run_id = r.run_id
  left join promo.promo_code p on p.promo_code_id = a.promo_code_id
  where r.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.state in ('pending', 'assigned')
    and (r.send_by <= moment.at or p.expires_at <= moment.at)
  for update of a
), /* fragment given_back */, fewer as (
  /* fragment less_demand */
)
update promo.assignment a
set state = (case when n.gives_back then 'expired' else 'unknown' end)::promo.assignment_state,
    reason = case when n.gives_back then n.reason end, promo_code_id = case when not n.gives_back then a.promo_code_id end
from decided n where a.run_id = n.run_id and a.contact_id = n.contact_id;

-- skip_cancelled --
-- Nobody of a run that was cancelled is given or sent anything any more, and held codes go back as when it is too late: not
-- where a message may have arrived, nor to the pool where a data source has seen them.
with decided as materialized (
  select /* fragment too_late */
  from promo.run r
  join promo.assignment a on a.run_id = r.run_id
  where r.run_id = %(run_id)s and r.halt = 'cancelled'
    and a.contact_id = any(%(contact_ids)s) and a.state in ('pending', 'assigned')
  order by a.contact_id for update of a
), /* fragment given_back */, fewer as (
  /* fragment less_demand */
)
update promo.assignment a
set state = (case when n.gives_back then 'skipped' else 'unknown' end)::promo.assignment_state,
    reason = case when n.gives_back then 'cancelled' end,
    promo_code_id = case when not n.gives_back then a.promo_code_id end
from decided n where a.run_id = n.run_id and a.contact_id = n.contact_id;

-- read_limits --
-- What the run's contacts are spared, whether they are given again what they hold, whether some come first, and whether
-- codes must match them.
select quiet_hours is not null as quiet, cap_messages is not null as capped, reuses, start_with is not null as staged,
       match_names is not null as matches
from promo.run where run_id = %(run_id)s;

-- give_up_quiet --
-- Where quiet hours end only after the run's send-by, nobody waits: who has no code is skipped, and the others fare as
-- when they are overdue.
with closed as materialized (
  select zone from promo.run r
  cross join lateral (
    select distinct a.time_zone as zone from promo.assignment a
    where a.run_id = r.run_id and a.contact_id = any(%(contact_ids)s) and a.state in ('pending', 'assigned')) z
  where r.run_id = %(run_id)s
    and promo.opens_at(r.quiet_hours, zone, promo.clock(), make_interval(secs => %(open_s)s)) >= r.send_by
), decided as materialized (
  select /* fragment too_late */
  from closed c
  join promo.assignment a on a.time_zone = c.zone
  where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.state in ('pending', 'assigned')
  for update of a
), /* fragment given_back */, fewer as (
  /* fragment less_demand */
)
update promo.assignment a
set state = (case when not n.gives_back then 'unknown' when n.promo_code_id is null then 'skipped' else 'expired' end
            )::promo.assignment_state,
    reason = case when n.gives_back then 'quiet hours past the deadline' end,
    promo_code_id = case when not n.gives_back then a.promo_code_id end
from decided n where a.run_id = n.run_id and a.contact_id = n.contact_id;

-- read_zones --
-- The time zones of those of the contacts who wait for a code or a message, and when each is out of its quiet hours.
select zone, extract(epoch from promo.opens_at(r.quiet_hours, zone, promo.clock(), make_interval(secs => %(open_s)s))
                                - promo.clock())::float8 as wait_s, contact_ids
from promo.run r
cross join lateral (
  select a.time_zone as zone, array_agg(a.contact_id order by a.contact_id) as contact_ids from promo.assignment a
  where a.run_id = r.run_id and a.contact_id = any(%(contact_ids)s) and a.state in ('pending', 'assigned')
  group by a.time_zone) z
where r.run_id = %(run_id)s and r.quiet_hours is not null;

-- lock_contacts --
-- The contacts who wait for a code, in order. They are held while messages to them are counted and codes claimed, so that
-- two runs cannot both find room, nor each claim a code where one was to give what the other had claimed. Their
-- assignments are held too: each of the statements of a claim sees what was committed before it, and a contact that a run which is
-- opened again puts back between two of them would get a code uncounted.
with held as materialized (
  select contact_id from promo.contact where contact_id = any(%(contact_ids)s) order by contact_id for no key update
)
select a.contact_id from held join promo.assignment a on a.contact_id = held.contact_id
where a.run_id = %(run_id)s and a.state = 'pending' order by a.contact_id for update of a;

-- read_moment --
-- By which moment messages are counted and codes claimed, and its place in the ledger's order: whatever has a smaller id
-- was there before.
select nextval('promo.attempt_attempt_id_seq') as claim_id, promo.clock() as at;

-- skip_capped --
-- Pending contacts who hold as many codes of other runs on the channel as they may get messages in the cap's window are
-- skipped.
with capping as materialized (
  select run_id, channel, cap_messages, %(at)s::timestamptz - cap_window as since,
         promo.first_capped_run(channel, %(at)s::timestamptz - cap_window) as first_run_id
  from promo.run where run_id = %(run_id)s
), decided as (
  update promo.assignment a set state = 'skipped', reason = 'capped'
  from capping cap
  where a.run_id = cap.run_id and a.contact_id = any(%(contact_ids)s) and a.state = 'pending'
    and cap.cap_messages <= (select count(*) /* fragment counted_by_cap */)
  returning a.needs_code
)
/* fragment less_demand */;

-- read_pools --
-- Which codes the run gives out: of its pool, or of each pool of its chain in turn.
select pool.type, pool.discount, r.days
from promo.run r
cross join lateral unnest(coalesce(r.pool_types, array[r.code_type]), coalesce(r.pool_discounts, array[r.discount]))
  with ordinality pool (type, discount, place)
where r.run_id = %(run_id)s order by pool.place;

-- reuse_codes --
-- Gives each pending contact again the code of the pool that it holds and that is valid long enough. Whose code went back
-- meanwhile, or was retired, stays pending, and so does everybody while the run waits for its approval.
with /* fragment waiting */, held as materialized (
  select due.run_id, due.contact_id, h.promo_code_id
  from due cross join lateral promo.code_to_reuse(
    due.contact_id, %(type)s, %(discount)s::smallint, %(at)s::timestamptz + make_interval(days => %(days)s)) h
), /* fragment given_again */
/* fragment less_demand */;

-- claim_codes --
-- Gives each pending contact a free code, oldest expiry first; with too few codes the last contacts stay pending, and all
-- do while the run waits for its approval.
with /* fragment waiting */, free as materialized (
  select p.promo_code_id, p.expires_at from promo.promo_code p
  where p.type = %(type)s and p.discount = %(discount)s and p.attributes = '' and not p.retired and p.issued_at is null
    and p.expires_at >= %(at)s::timestamptz + make_interval(days => %(days)s)
  order by p.expires_at, p.promo_code_id
  limit (select count(*) from due) for update skip locked
), pair as materialized (
  select %(run_id)s::bigint as run_id, contact_id, promo_code_id
  from unnest((select array_agg(contact_id order by contact_id) from due),
              (select array_agg(promo_code_id order by expires_at, promo_code_id) from free)) as p (contact_id, promo_code_id)
  where contact_id is not null and promo_code_id is not null
), /* fragment given_out */
/* fragment less_demand */;

-- count_pending --
-- How many of the contacts have neither a code nor a reason for having none, and whether the run waits for its approval.
select count(*) as contacts,
       exists (select from promo.run r where r.run_id = %(run_id)s and r.approval = 'awaited') as unapproved
from promo.assignment
where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) and state = 'pending';

-- skip_without_code --
-- Of a run that may go out to some only, contacts that the pool has no code left for are skipped.
with decided as (
  update promo.assignment a set state = 'skipped', reason = 'no code'
  from promo.run r
  where r.run_id = %(run_id)s and r.stock_policy = 'partial' and r.approval is distinct from 'awaited' and a.run_id = r.run_id
    and a.contact_id = any(%(contact_ids)s) and a.state = 'pending'
  returning a.needs_code
)
/* fragment less_demand */;

-- read_codes --
-- Which of the contacts hold which code, in order. The limit makes it look each code up: of a small pool the planner would
-- rather read the whole, for every batch.
select a.contact_id, p.code
from promo.assignment a
cross join lateral (select h.code from promo.promo_code h where h.promo_code_id = a.promo_code_id limit 1) p
where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s)
order by a.contact_id;

-- read_states --
-- The state of each of the contacts, in order.
select contact_id, state::text as state from promo.assignment
where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) order by contact_id;

-- reopen_missing --
-- Contacts that the closed run did not reach wait again, but not those who were sent to before a restore. A refused contact gets
-- other keys this time, and so does one that is given another code after a call had shown the first one: it expired, or the run
-- was cancelled. A receiver may remember what it refused, and what it answered.
update promo.assignment a
set state = 'pending', reason = null,
    needs_code = (select code.needed from promo.code_needed(
      r.workflow, r.hold_out, r.channel, r.reuses, r.code_type, r.discount, r.days, a.contact_id, r.pool_types,
      r.pool_discounts) code),
    resend_counter = resend_counter + case when state = 'rejected' or ((state = 'expired' or reason = 'cancelled') and exists (
      select from promo.attempt t
      where t.run_id = a.run_id and t.contact_id = a.contact_id
        and (t.purpose = 'message' or (t.purpose = 'answer' and t.shows_code and t.outcome is distinct from 'refused'))
      )) then 1 else 0 end
from promo.run r
where r.run_id = %(run_id)s and a.run_id = r.run_id and state in ('skipped', 'rejected', 'expired')
  and reason is distinct from 'sent before a restore';

-- read_accepted --
-- The contacts of the range whose message was accepted, in order.
select contact_id from promo.assignment
where run_id = %(run_id)s and contact_id between %(first)s and %(last)s and state in ('accepted', 'recorded')
order by contact_id;

-- read_accepted_in_zone --
-- Of those the ones in one time zone.
select contact_id from promo.assignment
where run_id = %(run_id)s and contact_id between %(first)s and %(last)s and state in ('accepted', 'recorded')
  and time_zone = %(zone)s
order by contact_id;

-- read_accepted_by_share --
-- Of the range, by one time zone or none, those of the run's first share, or those beyond it.
select a.contact_id from promo.assignment a
where a.run_id = %(run_id)s and a.contact_id between %(first)s and %(last)s and a.state in ('accepted', 'recorded')
  and a.time_zone is not distinct from %(zone)s
  and %(first_share)s = exists (
    select from promo.first_share f where f.run_id = a.run_id and f.contact_id = a.contact_id)
order by a.contact_id;
