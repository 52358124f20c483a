-- next_lease --
-- A token no other lease has or had, held until this transaction ends.
select token, pg_advisory_xact_lock(1347571533, mod(token, 2147483648)::integer) from nextval('promo.lease_token') as token;

-- hold_lease --
-- Waits until the transaction that drew the token has ended, on whatever connection that was.
select pg_advisory_xact_lock(1347571533, mod(%(token)s, 2147483648)::integer);

-- read_unheard --
-- For whom a lease holds that its worker never heard of.
select contact_id from promo.attempt
where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) and purpose = %(purpose)s
  and lease_token = %(token)s and outcome is null
order by contact_id;

-- fold_lapsed --
-- A lease ran out with its evidence incomplete: some ok is accepted, some unknown is unknown, only refusals may be tried
-- again.
with lapsed as materialized (
  select a.run_id, a.contact_id from promo.assignment a
  where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s)
    and a.state = 'sending' and a.lease_until <= promo.clock()
)
update promo.assignment a
set state = (case when fold.ok then 'accepted' when fold.unknown then 'unknown' else 'assigned' end)::promo.assignment_state,
    lease_token = null, lease_until = null
from lapsed e
/* fragment fold */
where a.run_id = e.run_id and a.contact_id = e.contact_id
  and a.state = 'sending' and a.lease_until <= promo.clock();

-- begin_messages --
-- The intent: leases those who are due and adds an attempt each. The reading of the clock that decides is kept.
with /* fragment moment */, due as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, moment.at
  /* fragment valid_code */
  and /* fragment message_is_due */
  order by a.contact_id for update of a skip locked
), /* fragment leased */
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, started_at)
select %(run_id)s, contact_id, promo_code_id, %(token)s, 'message', at from due;

-- due_messages --
-- Whom begin_messages would lease, the contact called for longest ago first.
with /* fragment moment */
select a.contact_id
/* fragment valid_code */
and /* fragment message_is_due */
order by /* fragment longest_ago */;

-- hold_unarchived --
-- Keeps the run from being archived until this transaction ends; no row if it is, for what is begun then would be in no file.
select run_id from promo.run where run_id = %(run_id)s and archived_at is null for share;

-- begin_profiles --
-- The intent to record: leases those whose profile is due.
with /* fragment moment */, due as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, moment.at
  /* fragment due_for_profile */
  order by a.contact_id for update of a skip locked
), leased as (
  update promo.assignment a
  set lease_token = %(token)s, lease_until = due.at + make_interval(secs => %(lease_s)s)
  from due where a.run_id = due.run_id and a.contact_id = due.contact_id
)
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, source, started_at)
select %(run_id)s, contact_id, promo_code_id, %(token)s, 'profile', %(source)s, at from due;

-- due_profiles --
-- Whom begin_profiles would lease, in the same order as for messages.
with /* fragment moment */
select a.contact_id
/* fragment due_for_profile */
order by /* fragment longest_ago */;

-- read_recipients --
-- The contacts of the lease, with what a template can read: the newest open locator of the channel, code and fields. Who
-- unsubscribed since the message is named by the same locator on the profile, which is no message.
select a.contact_id, a.resend_counter, c.external_id, c.first_name, c.last_name, c.language, l.value as locator,
       coalesce(c.time_zone, r.time_zone) as time_zone,
       p.code, p.type as code_type, p.discount, p.expires_at, coalesce(u.time_zone, 'UTC') as pool_zone,
       (select jsonb_object_agg(f.name, jsonb_build_array(f.type, v.value))
        from promo.contact_field_value v join promo.contact_field f using (contact_field_id)
        where v.contact_id = a.contact_id) as fields,
       (select e.params from promo.event_queue t join promo.event e using (event_id)
        where t.run_id = a.run_id and t.contact_id = a.contact_id) as event,
       (select v.value from promo.audience_value v where v.run_id = a.run_id and v.contact_id = a.contact_id) as audience
from promo.run r
join promo.assignment a on a.run_id = r.run_id
join promo.contact c on c.contact_id = a.contact_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
join promo.code_file u on u.code_file_id = p.code_file_id
left join lateral (
  select value from promo.contact_channel h
  where h.contact_id = a.contact_id and h.type = r.channel and (h.unsubscribed_at is null or %(purpose)s = 'profile')
  order by h.unsubscribed_at is null desc, h.change_no desc nulls last, h.updated_at desc, h.contact_channel_id desc limit 1
) l on true
where r.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.lease_token = %(token)s
order by a.contact_id;

-- held_leases --
-- Who of the contacts is under a lease that still runs, and for how long at most.
with /* fragment moment */
select count(*) as contacts, coalesce(max(extract(epoch from a.lease_until - moment.at)), 0)::float8 as wait_s
from moment cross join promo.assignment a
where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.lease_until > moment.at;

-- lock_assignments --
-- Held while evidence is written and folded, so that no late answer slips in between.
select count(*) as locked from (
  select from promo.assignment
  where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) order by contact_id for update
) held;

-- record_outcomes --
-- The evidence: what each call of the lease came to, and that it was known after whatever was begun before. Written even
-- when the lease is lost.
with evidence as materialized (
  select e.outcome, e.detail, moment.at, moment.outcome_id,
         (select t.attempt_id from promo.attempt t
          where t.run_id = %(run_id)s and t.contact_id = e.contact_id and t.purpose = %(purpose)s
            and t.lease_token = %(token)s and t.outcome is null) as attempt_id
  from (select promo.clock() as at, nextval('promo.attempt_attempt_id_seq') as outcome_id) moment
  cross join unnest(%(contact_ids)s::bigint[], %(outcomes)s::text[], %(details)s::text[]) as e (contact_id, outcome, detail)
)
update promo.attempt t
set outcome = case when e.outcome = 'ok' then 'ok' when e.outcome in ('refused', 'later') then 'refused' end,
    detail = nullif(e.detail, ''), finished_at = e.at, outcome_id = e.outcome_id
from evidence e where t.attempt_id = e.attempt_id;

-- count_alike --
-- How many other contacts were refused with this answer in such calls of the run, up to a limit; none if anybody was
-- accepted.
select case when exists (
    select from promo.attempt t
    where t.run_id = %(run_id)s and t.purpose = %(purpose)s and t.source = %(source)s and t.outcome = 'ok') then 0
  else (
    select count(*) from (
      select distinct t.contact_id from promo.attempt t
      where t.run_id = %(run_id)s and t.purpose = %(purpose)s and t.source = %(source)s and t.outcome = 'refused'
        and starts_with(t.detail, %(detail)s) and t.contact_id <> all(%(others)s)
      limit %(limit)s) alike) end as contacts;

-- fold_assignments --
-- The fold over all attempts: any ok is accepted; else anything unknown is unknown; else, all refused, the last word
-- decides between trying again and giving the code back, or out of the pool if a data source has seen it; a code that
-- another run gave too stays the contact's. Only the lease's holder may act, or anyone for an unknown; and a late ok
-- ends what a person was about to have sent again.
with /* fragment told */, decided as materialized (
  select folded.*, folded.state = 'rejected' as gives_back,
         folded.state = 'rejected' and promo.was_seen(folded.run_id, folded.contact_id, folded.promo_code_id) as seen
  from (
    select a.run_id, a.contact_id, a.promo_code_id, nullif(e.detail, '') as detail,
           (case when fold.ok then 'accepted' when fold.unknown then 'unknown'
                 when e.outcome = 'later' then 'assigned' else 'rejected' end)::promo.assignment_state as state
    from told e
    join promo.assignment a on a.run_id = e.run_id and a.contact_id = e.contact_id
    /* fragment fold */
    where (a.state = 'sending' and a.lease_token = %(token)s) or a.state = 'unknown'
       or (a.state = 'assigned' and fold.ok)
  ) folded
), /* fragment given_back */
update promo.assignment a
set state = n.state, lease_token = null, lease_until = null,
    reason = case when n.state = 'rejected' then coalesce(n.detail, 'refused') end,
    promo_code_id = case when n.state <> 'rejected' then a.promo_code_id end
from decided n
where a.run_id = n.run_id and a.contact_id = n.contact_id;

-- fold_profiles --
-- What every data source confirmed is recorded; the rest stays accepted, free to be tried again.
with told as materialized (
  select %(run_id)s::bigint as run_id, contact_id, outcome
  from unnest(%(contact_ids)s::bigint[], %(outcomes)s::text[]) as e (contact_id, outcome)
), other as materialized (
  select s.source from promo.run r cross join unnest(r.after) as s (source)
  where r.run_id = %(run_id)s and s.source <> %(source)s
)
update promo.assignment a
set state = case when e.outcome = 'ok' and not exists (
                   select from other o where not exists (
                     select from promo.attempt t
                     where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'profile'
                       and t.source = o.source and t.outcome = 'ok'))
                 then 'recorded'::promo.assignment_state else a.state end,
    lease_token = null, lease_until = null
from told e
where a.run_id = e.run_id and a.contact_id = e.contact_id
  and ((a.state = 'accepted' and e.outcome = 'ok') or (a.state in ('accepted', 'recorded') and a.lease_token = %(token)s));

-- list_unknown --
-- Sends of unknown outcome, of all runs, oldest first.
select run_key, run_id, contact_id, resend_counter, code, first_attempt, attempts
from promo.unknown_send_shown order by first_attempt, run_id, contact_id;

-- list_unknown_of_run --
-- Sends of unknown outcome of one run, oldest first.
select run_key, run_id, contact_id, resend_counter, code, first_attempt, attempts
from promo.unknown_send_shown where run_id = %(run_id)s order by first_attempt, contact_id;

-- list_unknown_of_contacts --
-- Sends of unknown outcome to these contacts of one run, oldest first.
select run_key, run_id, contact_id, resend_counter, code, first_attempt, attempts
from promo.unknown_send_shown where run_id = %(run_id)s and contact_id = any(%(contact_ids)s)
order by first_attempt, contact_id;

-- record_unknown --
-- Evidence from outside: writes one outcome into every open message attempt of these contacts, and says from whom.
update promo.attempt t
set outcome = %(outcome)s, detail = %(detail)s, finished_at = promo.clock(),
    outcome_id = nextval('promo.attempt_attempt_id_seq')
from promo.assignment a
where a.run_id = %(run_id)s and a.contact_id = any(%(contact_ids)s) and a.state = 'unknown'
  and t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message' and t.outcome is null;

-- resend_unknown --
-- A person takes the risk of a second message: these contacts are due again.
update promo.assignment set state = 'assigned'
where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) and state = 'unknown';
