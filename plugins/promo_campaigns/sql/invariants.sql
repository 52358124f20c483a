-- Each query returns the rows that break a promise, as one text each: none, in a store that is well. %(run_id)s narrows
-- a query to one run; null means all.

-- one_holder --
-- Whoever holds a code is the contact whose it is.
select 'code ' || a.promo_code_id || ' is held by contact ' || a.contact_id || ' of run ' || a.run_id || ' and is not theirs' as broken
from promo.assignment a join promo.promo_code p using (promo_code_id)
where p.held_by is distinct from a.contact_id and (%(run_id)s::bigint is null or a.run_id = %(run_id)s);

-- claimed_once --
-- A code is claimed for one assignment at most: the others that hold it were given it again, in runs that may.
select 'code ' || promo_code_id || ' was claimed for ' || count(*) || ' assignments' as broken
from promo.assignment where promo_code_id is not null and reused_at is null
  and (%(run_id)s::bigint is null or promo_code_id in (select promo_code_id from promo.assignment where run_id = %(run_id)s))
group by promo_code_id having count(*) > 1
union all
select 'contact ' || a.contact_id || ' of run ' || a.run_id || ' was given again what it held' as broken
from promo.assignment a join promo.run r using (run_id)
where a.promo_code_id is not null and a.reused_at is not null and not r.reuses
  and (%(run_id)s::bigint is null or a.run_id = %(run_id)s);

-- one_person --
-- A code was never put before two people: no two contacts have an attempt that showed it and was not definitely refused.
select 'code ' || t.promo_code_id || ' may have reached ' || count(distinct t.contact_id) || ' contacts' as broken
from promo.attempt t
where t.shows_code and t.outcome is distinct from 'refused'
  and (%(run_id)s::bigint is null or t.promo_code_id in (select promo_code_id from promo.attempt where run_id = %(run_id)s))
group by t.promo_code_id having count(distinct t.contact_id) > 1;

-- one_code --
-- A contact may have received one code of a run, never two.
select 'contact ' || contact_id || ' of run ' || run_id || ' may have received ' || count(distinct promo_code_id) || ' codes' as broken
from promo.attempt
where purpose = 'message' and outcome is distinct from 'refused' and (%(run_id)s::bigint is null or run_id = %(run_id)s)
group by run_id, contact_id having count(distinct promo_code_id) > 1;

-- pool_agrees --
-- A code is issued exactly while assignments hold it, and says by how many it is held.
select 'code ' || p.promo_code_id || ' is held by ' || coalesce(a.holders, 0) || ' assignments and counts '
       || case when p.issued_at is null then 0 else 1 + p.again end as broken
from promo.promo_code p
left join (select promo_code_id, count(*) as holders from promo.assignment where promo_code_id is not null
           group by promo_code_id) a using (promo_code_id)
where coalesce(a.holders, 0) <> case when p.issued_at is null then 0 else 1 + p.again end
  and (%(run_id)s::bigint is null or p.promo_code_id in (
    select promo_code_id from promo.assignment where run_id = %(run_id)s
    union all
    select promo_code_id from promo.attempt where run_id = %(run_id)s));

-- given_back_on_proof --
-- A code went back only if every attempt with it was refused.
select 'contact ' || a.contact_id || ' of run ' || a.run_id || ' gave a code back without proof' as broken
from promo.assignment a
join promo.attempt t on t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message'
where (a.promo_code_id is null or a.promo_code_id <> t.promo_code_id) and t.outcome is distinct from 'refused'
  and (%(run_id)s::bigint is null or a.run_id = %(run_id)s);

-- seen_is_gone --
-- A code that a data source has seen is still its contact's, or out of the pool for good.
select 'code ' || t.promo_code_id || ' was seen by a data source for contact ' || t.contact_id || ' and may be given out again' as broken
from promo.attempt t join promo.promo_code p using (promo_code_id)
where t.purpose = 'answer' and t.shows_code and t.outcome is distinct from 'refused' and p.seen_at is null
  and (%(run_id)s::bigint is null or t.run_id = %(run_id)s)
  and not exists (
    select from promo.assignment a
    where a.run_id = t.run_id and a.contact_id = t.contact_id and a.promo_code_id = t.promo_code_id);

-- answered_first --
-- A message that reads answers was begun only once all of them were there.
select 'contact ' || t.contact_id || ' of run ' || t.run_id || ' was sent to without an answer its message reads' as broken
from promo.attempt t join promo.run r using (run_id) cross join unnest(r.before) as b (source)
where t.purpose = 'message' and (%(run_id)s::bigint is null or t.run_id = %(run_id)s)
  and not exists (
    select from promo.attempt q
    where q.run_id = t.run_id and q.contact_id = t.contact_id and q.purpose = 'answer' and q.source = b.source
      and q.outcome = 'ok' and q.finished_at <= t.started_at);

-- closed_is_done --
-- In a closed run nothing is in flight, and everybody has an outcome; an erased contact has no profile to record on.
select 'contact ' || a.contact_id || ' of closed run ' || a.run_id || ' is ' || a.state as broken
from promo.assignment a join promo.run r using (run_id)
where r.closed_at is not null
  and (a.state in ('pending', 'assigned', 'sending')
       or (r.records and a.state = 'accepted' and not exists (
             select from promo.contact c where c.contact_id = a.contact_id and c.erased_at is not null)))
  and (%(run_id)s::bigint is null or r.run_id = %(run_id)s);

-- intent_first --
-- Whoever was sent to has an attempt, and an attempt has its assignment's code.
select 'contact ' || a.contact_id || ' of run ' || a.run_id || ' is ' || a.state || ' without an attempt' as broken
from promo.assignment a
where a.state in ('sending', 'accepted', 'unknown', 'recorded') and (%(run_id)s::bigint is null or a.run_id = %(run_id)s)
  and not exists (
    select from promo.attempt t
    where t.run_id = a.run_id and t.contact_id = a.contact_id and t.promo_code_id = a.promo_code_id
      and (t.purpose = 'message' or (t.purpose = 'answer' and a.state = 'sending')));

-- acceptance_counts --
-- An answer of ok is never ignored: once no lease is running, its contact is accepted or recorded.
select 'contact ' || a.contact_id || ' of run ' || a.run_id || ' was answered ok and is ' || a.state as broken
from promo.assignment a
where a.state not in ('accepted', 'recorded') and not (a.state = 'sending')
  and (%(run_id)s::bigint is null or a.run_id = %(run_id)s)
  and exists (select from promo.attempt t
              where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message' and t.outcome = 'ok');

-- accepted_on_evidence --
-- Nobody is accepted, recorded or rejected without the evidence for it.
select 'contact ' || a.contact_id || ' of run ' || a.run_id || ' is ' || a.state || ' without evidence' as broken
from promo.assignment a
where (%(run_id)s::bigint is null or a.run_id = %(run_id)s)
  and ((a.state in ('accepted', 'recorded') and not exists (
          select from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
            and t.purpose = 'message' and t.outcome = 'ok'))
    or (a.state = 'recorded' and exists (
          select from promo.run r left join unnest(r.after) as s (source) on true
          where r.run_id = a.run_id and not exists (
            select from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
              and t.purpose = 'profile' and t.source = coalesce(s.source, t.source) and t.outcome = 'ok')))
    or (a.state = 'rejected' and not exists (
          select from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
            and t.purpose in ('message', 'answer') and t.outcome = 'refused')));

-- profile_after_message --
-- A profile write is begun only once an attempt of the message was answered ok.
select 'contact ' || t.contact_id || ' of run ' || t.run_id || ' had its profile written before its message was accepted' as broken
from promo.attempt t
where t.purpose = 'profile' and (%(run_id)s::bigint is null or t.run_id = %(run_id)s)
  and not exists (
    select from promo.attempt m where m.run_id = t.run_id and m.contact_id = t.contact_id and m.purpose = 'message'
      and m.outcome = 'ok' and m.finished_at <= t.started_at);

-- no_expired_code --
-- No attempt was begun with a code that had run out.
select 'contact ' || t.contact_id || ' of run ' || t.run_id || ' was sent an expired code' as broken
from promo.attempt t join promo.promo_code p using (promo_code_id)
where t.purpose in ('message', 'answer') and t.started_at >= p.expires_at and (%(run_id)s::bigint is null or t.run_id = %(run_id)s);

-- no_late_message --
-- No attempt was begun after the run's send-by.
select 'contact ' || t.contact_id || ' of run ' || t.run_id || ' was sent to after the send-by' as broken
from promo.attempt t join promo.run r using (run_id)
where t.purpose in ('message', 'answer') and t.started_at >= r.send_by and (%(run_id)s::bigint is null or t.run_id = %(run_id)s);

-- quiet_kept --
-- No attempt was begun in the contact's quiet hours.
select 'contact ' || t.contact_id || ' of run ' || t.run_id || ' was sent to in quiet hours' as broken
from promo.run r
join promo.attempt t on t.run_id = r.run_id and t.purpose = 'message'
join promo.assignment a on a.run_id = t.run_id and a.contact_id = t.contact_id
where r.quiet_hours is not null and promo.is_quiet(r.quiet_hours, a.time_zone, t.started_at) is not false
  and (%(run_id)s::bigint is null or r.run_id = %(run_id)s);

-- cap_kept --
-- Nobody who holds a code of a run with a cap had had as many messages of the channel before it was claimed.
select 'contact ' || a.contact_id || ' of run ' || a.run_id || ' holds a code beyond the cap' as broken
from promo.run r
join promo.assignment a on a.run_id = r.run_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
where r.cap_messages is not null and (%(run_id)s::bigint is null or r.run_id = %(run_id)s)
  and r.cap_messages <= (
    select count(*)
    from promo.assignment o
    join promo.run other on other.run_id = o.run_id and other.channel = r.channel
    where o.contact_id = a.contact_id and o.promo_code_id is not null and o.run_id <> a.run_id
      and exists (
        select from promo.attempt t
        where t.run_id = o.run_id and t.contact_id = o.contact_id and t.purpose = 'message'
          and t.outcome is distinct from 'refused' and t.started_at > coalesce(a.reused_at, p.issued_at) - r.cap_window
          and t.started_at < coalesce(a.reused_at, p.issued_at)));

-- one_call_at_a_time --
-- Two attempts of a contact, message or answer, are apart: a second is begun only when the first has an outcome, was given up, or
-- its lease is over. The newest is that of the lease that runs; tokens tell nothing of their order, for one may be drawn
-- long before its lease begins.
select 'contact ' || t.contact_id || ' of run ' || t.run_id || ' has an attempt under no lease it ever held' as broken
from promo.attempt t join promo.assignment a on a.run_id = t.run_id and a.contact_id = t.contact_id
where a.state = 'sending' and t.purpose in ('message', 'answer') and (%(run_id)s::bigint is null or t.run_id = %(run_id)s)
  and t.attempt_id > coalesce((
    select max(h.attempt_id) from promo.attempt h
    where h.run_id = a.run_id and h.contact_id = a.contact_id and h.lease_token = a.lease_token), 0);

-- erased_is_gone --
-- An erased contact has neither channels nor field values.
select 'contact ' || c.contact_id || ' was erased and has a ' || kept.what as broken
from promo.contact c
join (select contact_id, 'channel' as what from promo.contact_channel
      union all
      select contact_id, 'field value' from promo.contact_field_value) kept using (contact_id)
where c.erased_at is not null
  and (%(run_id)s::bigint is null or exists (
    select from promo.assignment a where a.run_id = %(run_id)s and a.contact_id = c.contact_id));

-- files_add_up --
-- The counts of a code file are those of its rows.
select 'code file ' || code_file_id || ' does not add up' as broken
from promo.code_file
where %(run_id)s::bigint is null and row_count <> inserted + updated + unchanged + rejected;
