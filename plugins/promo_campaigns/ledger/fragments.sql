-- Passages that several statements of the ledger have in common; where one stands, the statement says so by its name.

-- moment --
-- The one reading of the clock by which a statement decides.
moment as materialized (
  select promo.clock() as at
)

-- valid_code --
-- Contacts of a run before its send-by, with a code that has not run out, at the `moment`.
from moment cross join promo.run r
join promo.assignment a on a.run_id = r.run_id
join promo.promo_code p using (promo_code_id)
where r.run_id = %(run_id)s and (r.send_by is null or r.send_by > moment.at)
  and a.contact_id = any(%(contact_ids)s) and p.expires_at > moment.at

-- message_is_due --
-- Due a message are the assigned, and the unknown whose first unknown attempt is recent enough for the receiver to
-- recognise its key; neither without the answers its message reads, nor in quiet hours, nor where these begin while
-- calls may still begin.
(r.before = '{}' or (
  select bool_and(promo.is_answered(a.run_id, a.contact_id, a.promo_code_id, a.resend_counter, b.source))
  from unnest(r.before) as b (source)))
and (r.quiet_hours is null
     or not promo.is_quiet(r.quiet_hours, a.time_zone, moment.at)
        and not promo.is_quiet(r.quiet_hours, a.time_zone, moment.at + make_interval(secs => %(lease_s)s / 2)))
and (a.state = 'assigned'
     or (a.state = 'unknown'
         and moment.at - make_interval(secs => %(resend_within_s)s)
             < (select min(t.started_at) from promo.attempt t
                where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message'
                  and t.outcome is null)))

-- answer_is_due --
-- A data source is asked, before the message, for contacts it has not answered for.
a.state = 'assigned'
and not promo.is_answered(a.run_id, a.contact_id, a.promo_code_id, a.resend_counter, %(source)s::smallint)

-- due_for_profile --
-- Accepted contacts whom this source has not confirmed, and recorded ones for a repair, that nobody else is recording and
-- that were not erased. With a single source the state says whether it has confirmed.
from moment cross join promo.assignment a
where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s)
  and (a.state = 'accepted' or (a.state = 'recorded' and %(repair)s))
  and ((select cardinality(r.after) = 1 from promo.run r where r.run_id = %(run_id)s) or %(repair)s or not exists (
    select from promo.attempt t
    where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'profile' and t.source = %(source)s
      and t.outcome = 'ok'))
  and not exists (select from promo.contact c where c.contact_id = a.contact_id and c.erased_at is not null)
  and (a.lease_until is null or a.lease_until <= moment.at)

-- longest_ago --
-- The order in which those who are due are called for, longest ago first: one whose calls always fail must not keep the
-- others waiting for ever.
(select max(t.attempt_id) from promo.attempt t
 where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = %(purpose)s) nulls first, a.contact_id

-- leased --
-- Contacts that are `due` are sending from here on, and this lease's alone.
leased as (
  update promo.assignment a
  set state = 'sending', lease_token = %(token)s,
      lease_until = due.at + make_interval(secs => %(lease_s)s)
  from due where a.run_id = due.run_id and a.contact_id = due.contact_id
)

-- waiting --
-- Contacts that wait for a code, in the order of contact ids; nobody, while the run waits for its approval.
due as materialized (
  select a.run_id, a.contact_id from promo.assignment a
  where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.state = 'pending'
    and not exists (select from promo.run r where r.run_id = %(run_id)s and r.approval = 'awaited')
  order by a.contact_id for update
)

-- told --
-- What was heard of the calls of a lease, a row a contact.
told as materialized (
  select %(run_id)s::bigint as run_id, contact_id, outcome, detail
  from unnest(%(contact_ids)s::bigint[], %(outcomes)s::text[], %(details)s::text[]) as e (contact_id, outcome, detail)
)

-- fold --
-- What all attempts of a message to contact `e` come to. They are looked up by contact: the planner's figures for them are
-- always behind.
cross join lateral (
  select bool_or(t.outcome = 'ok') is true as ok, bool_or(t.outcome is null) as unknown
  from promo.attempt t
  where t.run_id = %(run_id)s and t.contact_id = e.contact_id and t.purpose = 'message'
) fold

-- too_late --
-- Of whom it is too late for: the code goes back unless a message may have arrived, and stays out of the pool if a data
-- source has seen it.
a.run_id, a.contact_id, a.promo_code_id, a.state = 'pending' and a.needs_code as needs_code,
not exists (
  select from promo.attempt t
  where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message'
    and t.outcome is distinct from 'refused') as gives_back,
promo.was_seen(a.run_id, a.contact_id, a.promo_code_id) as seen

-- given_back --
-- The codes of those who are `decided` to give theirs back are free again; one that another run gave too stays its
-- contact's, and one that a data source has seen is retired.
given_back as (
  update promo.promo_code p
  set issued_at = case when p.again > 0 then p.issued_at end, held_by = case when p.again > 0 then p.held_by end,
      again = greatest(p.again - 1, 0),
      retired = p.retired or n.seen, seen_at = case when n.seen then promo.clock() else p.seen_at end
  from decided n where n.gives_back and p.promo_code_id = n.promo_code_id
)

-- waits_again --
-- Those who were `decided` to give their codes back wait for others.
waiting as (
  insert into promo.code_demand (run_id, codes) select %(run_id)s, count(*) from decided having count(*) > 0
)
update promo.assignment a set state = 'pending', promo_code_id = null, needs_code = true
from decided n where a.run_id = n.run_id and a.contact_id = n.contact_id

-- oldest_waiting --
-- The oldest events that wait for a workflow.
(select event_id, contact_id, '' as attributes from promo.event_queue
 where workflow = %(workflow)s and taken_at is null order by event_id limit %(limit)s) w

-- held_of_pools --
-- The codes of the pools that a contact, `w`, may be given again by what it has.
from unnest(%(types)s::text[], %(discounts)s::smallint[]) pool (type, discount)
cross join lateral promo.code_to_reuse(
  w.contact_id, pool.type, pool.discount, promo.clock() + make_interval(days => %(days)s), w.attributes) held

-- given_out --
-- The codes of each `pair` are their contacts'.
issued as (
  update promo.promo_code p set issued_at = %(at)s, held_by = pair.contact_id
  from pair where p.promo_code_id = pair.promo_code_id
), decided as (
  update promo.assignment a
  set state = 'assigned', promo_code_id = pair.promo_code_id, reused_at = null, claim_id = %(claim_id)s
  from pair where a.run_id = pair.run_id and a.contact_id = pair.contact_id
  returning a.needs_code
)

-- given_again --
-- The codes that contacts `held` are given them once more.
given as (
  update promo.promo_code p set again = p.again + 1
  from held h where p.promo_code_id = h.promo_code_id and p.held_by = h.contact_id and not p.retired
  returning h.run_id, p.promo_code_id, p.held_by
), decided as (
  update promo.assignment a
  set state = 'assigned', promo_code_id = given.promo_code_id, reused_at = %(at)s, claim_id = %(claim_id)s
  from given where a.run_id = given.run_id and a.contact_id = given.held_by
  returning a.needs_code
)

-- go_without --
-- Contacts who are to go `without` a code are skipped.
decided as (
  update promo.assignment a set state = 'skipped', reason = 'no code'
  from without w
  where a.run_id = w.run_id and a.contact_id = w.contact_id and a.state = 'pending'
  returning a.needs_code
)

-- less_demand --
-- The run counts on no code any more for those who are `decided`.
insert into promo.code_demand (run_id, codes)
select %(run_id)s, -count(*) from decided where needs_code having count(*) > 0

-- in_audience --
-- A contact's row in a run, as it is when the run is opened.
insert into promo.assignment (run_id, contact_id, time_zone, needs_code)
select r.run_id, c.contact_id, case when r.time_zone is not null then coalesce(c.time_zone, r.time_zone) end,
       code.needed

-- of_run --
-- What `in_audience` reads of the run and of its code pool, in the order in which a batch will lie in the table.
join promo.run r on r.run_id = %(run_id)s
cross join lateral promo.code_needed(
  r.workflow, r.hold_out, r.channel, r.reuses, r.code_type, r.discount, r.days, c.contact_id, r.pool_types, r.pool_discounts) code
order by c.contact_id

-- listed --
-- The runs of a `page` with their counts, which are kept; of a run that is older than these, its contacts are counted.
select r.run_id, r.run_key, r.workflow, promo.run_stands(r.run_id, r.halt, r.closed_at, r.approval) as state, r.opened_at, r.closed_at,
       greatest(r.opened_at, r.closed_at, c.moved_at) as moved_at, coalesce(r.halted_by, '') as halted_by,
       coalesce(r.halt_reason, '') as halt_reason, c.audience, c.given, c.sent, c.recorded, c.skipped, c.unknown, c.failed, c.waiting
from page r
cross join lateral (
  select max(counted_at) as moved_at,
         coalesce(sum(pending + skipped + assigned + sending + accepted + rejected + unknown + recorded + expired), 0)::bigint as audience,
         coalesce(sum(assigned + sending + accepted + unknown + recorded), 0)::bigint as given,
         coalesce(sum(accepted + recorded), 0)::bigint as sent,
         coalesce(sum(recorded), 0)::bigint as recorded,
         coalesce(sum(skipped), 0)::bigint as skipped,
         coalesce(sum(unknown), 0)::bigint as unknown,
         coalesce(sum(rejected + expired), 0)::bigint as failed,
         coalesce(sum(pending + assigned + sending), 0)::bigint as waiting
  from (
    select counted_at, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired
    from promo.run_count k where k.run_id = r.run_id and r.counted
    union all
    select null, count(*) filter (where a.state = 'pending'), count(*) filter (where a.state = 'skipped'), count(*) filter (where a.state = 'assigned'),
           count(*) filter (where a.state = 'sending'), count(*) filter (where a.state = 'accepted'), count(*) filter (where a.state = 'rejected'),
           count(*) filter (where a.state = 'unknown'), count(*) filter (where a.state = 'recorded'), count(*) filter (where a.state = 'expired')
    from promo.assignment a where a.run_id = r.run_id and not r.counted
  ) k
) c
order by r.run_id desc

-- counted_by_cap --
-- The codes of other runs that a frequency cap counts for the contact of `a`, by the row `cap` of the run that asks: its
-- run_id, channel, the beginning of the window and the first run that can matter. A code counts as long as it is about to
-- be sent, and then for as long after an attempt as the cap says. Only runs that are open, or were closed within the
-- window, are looked at. A dry run counts by the same.
from promo.assignment o
join promo.run other on other.run_id = o.run_id and other.channel = cap.channel
where o.contact_id = a.contact_id and o.promo_code_id is not null and o.run_id is distinct from cap.run_id
  and -o.run_id <= -cap.first_run_id
  and (o.state in ('assigned', 'sending') or exists (
    select from promo.attempt t
    where t.run_id = o.run_id and t.contact_id = o.contact_id and t.purpose = 'message'
      and t.outcome is distinct from 'refused' and t.started_at > cap.since))

-- times_of_success --
-- When the receiver took the message of an assignment a, and when a data source first confirmed its profile.
cross join lateral (
  select min(t.finished_at) filter (where t.purpose = 'message') as accepted_at,
         min(t.finished_at) filter (where t.purpose = 'profile') as recorded_at
  from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id and t.outcome = 'ok'
) evidence
