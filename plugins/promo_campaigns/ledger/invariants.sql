-- Each statement returns what breaks a promise: its name as `invariant`, and a text of ids as `broken`; no row, in a store
-- that is well. A line with `of the run` narrows the check to one run, and is left out when everything is checked. A
-- statement without such a line is about codes or files, not about a run, and is asked of the whole store only.

-- contacts --
-- What an assignment says against its attempts, its code and its run. Of a run, attempts and codes are looked up row by row
-- (offset 0 keeps the planner from joining them), so that the cost follows the run whatever the statistics are. Of the whole
-- store nothing narrows the tables, so the planner knows their sizes and joins them. What few rows need is asked for those
-- alone. Order is told by ids and never by clocks: an attempt and an outcome draw theirs from one sequence. Where a promise is
-- about when an attempt was begun, those of which a restored store was told (their lease is below zero) say nothing.
select split_part(promise, ': ', 1) as invariant,
       'contact ' || contact_id || ' of run ' || run_id || ' ' || substr(promise, strpos(promise, ': ') + 2) as broken
from (
  select a.run_id, a.contact_id, concat_ws(chr(10),
    -- A code is held by the contact whose it is.
    case when a.promo_code_id is not null and p.held_by is distinct from a.contact_id
      then 'one_holder: holds code ' || a.promo_code_id || ', which is not theirs' end,
    -- A code is claimed for one assignment: others that hold it were given it again, in runs that may.
    case when a.promo_code_id is not null and a.reused_at is not null and not a.reuses
      then 'claimed_once: was given again what it held' end,
    -- A code that is held counts as issued, and by how many it is held.
    case when a.promo_code_id is not null and (p.issued_at is null or p.again > 0 and 1 + p.again <> (
      select count(*) from promo.assignment h where h.contact_id = a.contact_id and h.promo_code_id = a.promo_code_id) + (
      select count(*) from promo.archived_code k where k.promo_code_id = a.promo_code_id))
      then 'pool_agrees: holds code ' || a.promo_code_id || ', which does not count that' end,
    -- A code is one of the run's pools, or the code that all those share for whom they have none.
    case when a.promo_code_id is not null and not p.shared
      and (p.type, p.discount) <> all (select * from unnest(a.types, a.discounts))
      then 'code_of_its_pools: holds code ' || a.promo_code_id || ', which is of another pool' end,
    -- A code that carries attributes is held by a contact that has them, in a run that matches them. What a contact had is
    -- erased one day.
    case when p.attributes <> '' and (not a.matches or exists (
      select from promo.match_value m
      where m.run_id = a.run_id and m.contact_id = a.contact_id and m.attributes <> p.attributes)) and not exists (
      select from promo.restored_send t
      where t.run_key = a.run_key and t.contact_id = a.contact_id and t.promo_code_id = a.promo_code_id)
      then 'code_matches: holds code ' || a.promo_code_id || ', which carries what they have not' end,
    -- A contact may have received one code of a run, never two.
    case when a.other_codes and exists (
      select from promo.attempt t
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message'
        and t.outcome is distinct from 'refused'
      having min(t.promo_code_id) <> max(t.promo_code_id))
      then 'one_code: may have received several codes' end,
    -- A code went back only if every attempt with it was refused.
    case when a.other_codes and exists (
      select from promo.attempt t
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message'
        and t.outcome is distinct from 'refused' and t.promo_code_id is distinct from a.promo_code_id)
      then 'given_back_on_proof: gave a code back without proof' end,
    -- A code that a data source has seen is still its contact's, or out of the pool for good.
    case when a.other_codes and exists (
      select from promo.attempt t join promo.promo_code seen using (promo_code_id)
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'answer' and t.shows_code
        and t.outcome is distinct from 'refused' and t.promo_code_id is distinct from a.promo_code_id and seen.seen_at is null)
      then 'seen_is_gone: was given a code that a data source has seen and that may be given out again' end,
    -- A message that reads answers was begun only once all of them were there.
    case when cardinality(a.before) > 0 and exists (
      select from promo.attempt t, unnest(a.before) as b (source)
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message' and t.lease_token > 0 and not exists (
        select from promo.attempt q
        where q.run_id = a.run_id and q.contact_id = a.contact_id and q.purpose = 'answer' and q.source = b.source
          and q.outcome = 'ok' and coalesce(q.outcome_id, 0) < t.attempt_id))
      then 'answered_first: was sent to without an answer its message reads' end,
    -- In a closed run nothing is under way, and everybody has an outcome; an erased contact has no profile to record on.
    case when a.closed_at is not null and (a.state in ('pending', 'assigned', 'sending')
      or (a.records and a.state = 'accepted' and not exists (
            select from promo.contact c where c.contact_id = a.contact_id and c.erased_at is not null)))
      then 'closed_is_done: is ' || a.state || ', and the run is closed' end,
    -- A contact that was sent to has an attempt with the assignment's code.
    case when a.state in ('sending', 'accepted', 'unknown', 'recorded') and (a.accepted_id is null or a.other_codes)
      and not exists (
        select from promo.attempt t
        where t.run_id = a.run_id and t.contact_id = a.contact_id and t.promo_code_id = a.promo_code_id
          and (t.purpose = 'message' or t.purpose = 'answer' and a.state = 'sending'))
      then 'intent_first: is ' || a.state || ' without an attempt' end,
    -- An answer of ok is never ignored: once no lease is running, its contact is accepted or recorded.
    case when a.accepted_id is not null and a.state not in ('accepted', 'recorded', 'sending')
      then 'acceptance_counts: was answered ok and is ' || a.state end,
    -- Nobody is accepted, recorded or rejected without the evidence for it.
    case when (a.state in ('accepted', 'recorded') and a.accepted_id is null)
      or (a.state = 'recorded' and (a.recorded is not true or cardinality(a.after) > 1 and exists (
            select from unnest(a.after) as s (source) where not exists (
              select from promo.attempt t
              where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'profile' and t.source = s.source
                and t.outcome = 'ok'))))
      or (a.state = 'rejected' and not exists (
            select from promo.attempt t
            where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose in ('message', 'answer')
              and t.outcome = 'refused'))
      then 'accepted_on_evidence: is ' || a.state || ' without evidence' end,
    -- A profile write is begun only once an attempt of the message was answered ok.
    case when a.first_profile is not null and (a.accepted_id is null or a.accepted_id >= a.first_profile)
      then 'profile_after_message: had its profile written before its message was accepted' end,
    -- No attempt was begun with a code that had run out. A code that went back may be given another date by an upload, so
    -- of codes that are not held those tell that were shown to somebody, and never went back.
    case when (a.last_begun >= p.expires_at or a.other_codes) and exists (
      select from promo.attempt t join promo.promo_code old using (promo_code_id)
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose in ('message', 'answer')
        and t.lease_token > 0 and t.started_at >= old.expires_at
        and (t.promo_code_id = a.promo_code_id or t.shows_code and t.outcome is distinct from 'refused'))
      then 'no_expired_code: was sent an expired code' end,
    -- No attempt was begun after the run's send-by.
    case when a.last_begun >= a.send_by then 'no_late_message: was sent to after the send-by' end,
    -- No attempt was begun in the contact's quiet hours.
    case when a.quiet_hours is not null and exists (
      select from promo.attempt t
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose = 'message' and t.lease_token > 0
        and promo.is_quiet(a.quiet_hours, a.time_zone, t.started_at) is not false)
      then 'quiet_kept: was sent to in quiet hours' end,
    -- Two attempts of a contact, message or answer, are apart: a second is begun only when the first has an outcome, was
    -- given up, or its lease is over. The newest is that of the lease that runs; tokens tell nothing of their order, for one
    -- may be drawn long before its lease begins.
    case when a.state = 'sending' and exists (
      select from promo.attempt t
      where t.run_id = a.run_id and t.contact_id = a.contact_id and t.purpose in ('message', 'answer')
        and t.attempt_id > coalesce((
          select max(h.attempt_id) from promo.attempt h
          where h.run_id = a.run_id and h.contact_id = a.contact_id and h.lease_token = a.lease_token), 0))
      then 'one_call_at_a_time: has an attempt under no lease it ever held' end
  ) as broken
  from (
    select a.run_id, r.run_key, a.contact_id, a.promo_code_id, a.state, a.reused_at, a.time_zone, a.lease_token,
           r.reuses, r.before, r.after, r.records, r.closed_at, r.send_by, r.quiet_hours,
           coalesce(r.pool_types, array[r.code_type]) as types, coalesce(r.pool_discounts, array[r.discount]) as discounts,
           r.match_names is not null as matches,
           bool_or(t.promo_code_id is distinct from a.promo_code_id) filter (where t.attempt_id is not null) as other_codes,
           min(coalesce(t.outcome_id, 0)) filter (where t.purpose = 'message' and t.outcome = 'ok') as accepted_id,
           min(t.attempt_id) filter (where t.purpose = 'profile') as first_profile,
           bool_or(t.purpose = 'profile' and t.outcome = 'ok') as recorded,
           max(t.started_at) filter (where t.purpose <> 'profile' and t.lease_token > 0) as last_begun
    from promo.run r
    join promo.assignment a on a.run_id = r.run_id
    left join lateral (
      select * from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id
      offset 0  -- of the run
    ) t on true
    where true
      and r.run_id = %(run_id)s  -- of the run
    group by r.run_id, a.run_id, a.contact_id
  ) a
  left join lateral (
    select h.held_by, h.issued_at, h.again, h.expires_at, h.type, h.discount, h.shared, h.attributes from promo.promo_code h where h.promo_code_id = a.promo_code_id
    offset 0  -- of the run
  ) p on true
) checked cross join lateral string_to_table(broken, chr(10)) as promise
where broken <> '';

-- codes_held --
-- A code is issued exactly while assignments hold it, or archived runs gave it; it says how many, and was claimed for one of them
-- at most.
select case when a.claims > 1 then 'claimed_once' else 'pool_agrees' end as invariant,
       'code ' || p.promo_code_id || ' is held by ' || coalesce(a.holders, 0) + coalesce(k.runs, 0) || ' assignments, was claimed for '
       || coalesce(a.claims, 0) || ', and counts ' || case when p.issued_at is null then 0 else 1 + p.again end as broken
from promo.promo_code p
left join (
  select promo_code_id, count(*) as holders, count(*) filter (where reused_at is null) as claims
  from promo.assignment where promo_code_id is not null group by promo_code_id
) a using (promo_code_id)
left join (select promo_code_id, count(*) as runs from promo.archived_code group by promo_code_id) k using (promo_code_id)
where coalesce(a.holders, 0) + coalesce(k.runs, 0) <> case when p.issued_at is null then 0 else 1 + p.again end or a.claims > 1;

-- codes_seen --
-- A code was never put before two people: no two contacts have an attempt that showed it and was not definitely refused.
select 'one_person' as invariant, 'code ' || promo_code_id || ' may have reached several contacts' as broken
from promo.attempt
where shows_code and outcome is distinct from 'refused'
group by promo_code_id having min(contact_id) <> max(contact_id);

-- attempts --
-- Each attempt is of a contact that is in its run. The ledger makes no others, so End does not ask for them.
select 'attempt_of_somebody' as invariant,
       'attempt ' || t.attempt_id || ' is of contact ' || t.contact_id || ' of run ' || t.run_id || ', who is not in it' as broken
from promo.attempt t
where not exists (select from promo.assignment a where a.run_id = t.run_id and a.contact_id = t.contact_id);

-- caps --
-- Nobody who holds a code of a run with a cap had had as many messages of the channel before it was claimed.
select 'cap_kept' as invariant, 'contact ' || a.contact_id || ' of run ' || a.run_id || ' holds a code beyond the cap' as broken
from promo.run r
join promo.assignment a on a.run_id = r.run_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
where r.cap_messages is not null
  and r.run_id = %(run_id)s  -- of the run
  and r.cap_messages <= (
    select count(*)
    from promo.assignment o
    join promo.run other on other.run_id = o.run_id and other.channel = r.channel
    where o.contact_id = a.contact_id and o.promo_code_id is not null and o.run_id <> a.run_id
      and exists (
        select from promo.attempt t
        where t.run_id = o.run_id and t.contact_id = o.contact_id and t.purpose = 'message'
          and t.outcome is distinct from 'refused' and t.started_at > coalesce(a.reused_at, p.issued_at) - r.cap_window
          -- A run claimed before the ledger kept this order has only its clock.
          and case when a.claim_id is null then t.started_at < coalesce(a.reused_at, p.issued_at)
              else t.attempt_id < a.claim_id end));

-- erased --
-- An erased contact has neither channels nor field values.
select 'erased_is_gone' as invariant, 'contact ' || c.contact_id || ' was erased and has a ' || kept.what as broken
from promo.contact c
join lateral (
  select 'channel' as what from promo.contact_channel h where h.contact_id = c.contact_id
  union all
  select 'field value' from promo.contact_field_value v where v.contact_id = c.contact_id) kept on true
where c.erased_at is not null;

-- unknown --
-- What is kept of the sends of unknown outcome is what the assignments say.
select 'unknown_agrees' as invariant, 'contact ' || contact_id || ' of run ' || run_id || ' is '
       || case when a.contact_id is null then 'kept as unknown and is not' else 'unknown and not kept so' end as broken
from (
  select run_id, contact_id from promo.assignment
  where state = 'unknown'
    and run_id = %(run_id)s  -- of the run
) a
full join (
  select run_id, contact_id from promo.unknown_send
  where true
    and run_id = %(run_id)s  -- of the run
) kept using (run_id, contact_id)
where a.contact_id is null or kept.contact_id is null;

-- first_share --
-- Nobody beyond a run's first share holds a code or was called for before the run was let go on.
select 'first_share_comes_first' as invariant,
       'contact ' || a.contact_id || ' is worked on before run ' || r.run_id || ' was let go on behind its first share' as broken
from promo.run r
join promo.assignment a on a.run_id = r.run_id
where r.start_with is not null and r.let_go_at is null
  and not exists (select from promo.first_share f where f.run_id = a.run_id and f.contact_id = a.contact_id)
  and (a.promo_code_id is not null or exists (
    select from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id))
  and r.run_id = %(run_id)s  -- of the run
;

-- demand --
-- What is kept of the codes that an open run has still to claim is what a count says.
select 'demand_agrees' as invariant,
       'run ' || r.run_id || ' keeps a demand of ' || kept.codes || ' codes and waits for ' || waiting.codes as broken
from promo.run r
cross join lateral (
  select coalesce(sum(d.codes), 0) as codes from promo.code_demand d where d.run_id = r.run_id) kept
cross join lateral (
  select count(*) as codes from promo.assignment a
  where a.run_id = r.run_id and a.state = 'pending' and a.needs_code and r.closed_at is null) waiting
where kept.codes <> waiting.codes
  and r.run_id = %(run_id)s  -- of the run
;

-- counts --
-- What is kept of a run's contacts by state is what a count says; of a run that is older than these counts nothing is, and one that
-- is archived has nothing else.
select 'counts_agree' as invariant, 'run ' || r.run_id || ' keeps other counts of its contacts than there are' as broken
from promo.run r
cross join lateral (
  select coalesce(sum(pending), 0)::bigint as pending, coalesce(sum(skipped), 0)::bigint as skipped, coalesce(sum(assigned), 0)::bigint as assigned,
         coalesce(sum(sending), 0)::bigint as sending, coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(rejected), 0)::bigint as rejected,
         coalesce(sum(unknown), 0)::bigint as unknown, coalesce(sum(recorded), 0)::bigint as recorded, coalesce(sum(expired), 0)::bigint as expired
  from promo.run_count k where k.run_id = r.run_id) kept
cross join lateral (
  select count(*) filter (where state = 'pending') as pending, count(*) filter (where state = 'skipped') as skipped, count(*) filter (where state = 'assigned') as assigned,
         count(*) filter (where state = 'sending') as sending, count(*) filter (where state = 'accepted') as accepted, count(*) filter (where state = 'rejected') as rejected,
         count(*) filter (where state = 'unknown') as unknown, count(*) filter (where state = 'recorded') as recorded, count(*) filter (where state = 'expired') as expired
  from promo.assignment a where a.run_id = r.run_id) found
where r.counted and r.archived_at is null and kept is distinct from found
  and r.run_id = %(run_id)s  -- of the run
;

-- archived --
-- Of an archived run every row is in a file that was read back, or was dropped on purpose; and each code it gave is known.
select case when r.dropped_at is null then 'archived_before_dropped' else 'dropped_is_gone' end as invariant,
       'run ' || r.run_id || ' is archived, and its files, codes or rows do not agree with its counts' as broken
from promo.run r
left join lateral (
  select sum(k.pending + k.skipped + k.assigned + k.sending + k.accepted + k.rejected + k.unknown + k.recorded + k.expired) as contacts,
         sum(k.assigned + k.sending + k.accepted + k.unknown + k.recorded) as codes
  from promo.run_count k where k.run_id = r.run_id) c on true
left join (select run_id, count(*) as codes from promo.archived_code group by run_id) given on given.run_id = r.run_id
where r.archived_at is not null and (
  (select count(*) from promo.archive_file f
   where f.run_id = r.run_id and f.verified_at is not null
     and (f.kind = 'attempts' or f.path is null or f.row_count = coalesce(c.contacts, 0))) <> 2
  or r.dropped_at is not null and (
    coalesce(given.codes, 0) <> coalesce(c.codes, 0)
    or exists (select from promo.assignment a where a.run_id = r.run_id)
    or exists (select from promo.attempt t where t.run_id = r.run_id)));

-- stock --
-- What is kept of the stock of a pool, by the hour in which codes run out, is what a count says.
select 'stock_agrees' as invariant,
       'pool ' || coalesce(k.type, c.type) || ' with discount ' || coalesce(k.discount, c.discount) || ' keeps '
       || coalesce(k.free, 0) || ' free codes and has ' || coalesce(c.free, 0) || ' that run out from '
       || coalesce(k.hour, c.hour) || ' on' as broken
from (
  select type, discount, attributes, hour, sum(free) as free, sum(issued) as issued, sum(retired) as retired
  from promo.code_stock group by type, discount, attributes, hour
) k
full join (
  select type, discount, attributes, promo.stock_hour(expires_at) as hour,
         count(*) filter (where issued_at is null and not retired) as free,
         count(*) filter (where issued_at is not null) as issued,
         count(*) filter (where issued_at is null and retired) as retired
  from promo.promo_code group by 1, 2, 3, 4
) c on (c.type, c.discount, c.attributes, c.hour) = (k.type, k.discount, k.attributes, k.hour)
where (coalesce(k.free, 0), coalesce(k.issued, 0), coalesce(k.retired, 0))
      <> (coalesce(c.free, 0), coalesce(c.issued, 0), coalesce(c.retired, 0));

-- restored --
-- While a restore is not decided, nobody of a run that waits for its decision is about to be sent to.
select 'restored_waits' as invariant,
       'contact ' || a.contact_id || ' of run ' || a.run_id || ' is ' || a.state || ', and its run waits for a decision' as broken
from promo.restored_run x
join promo.assignment a on a.run_id = x.run_id
where x.decided_at is null and a.state = 'sending'
  and x.run_id = %(run_id)s  -- of the run
;

-- redeemed --
-- A code that a shop has told of never becomes free again.
select 'redeemed_is_gone' as invariant, 'code ' || d.promo_code_id || ' was redeemed and may be given out again' as broken
from promo.redemption d join promo.promo_code p on p.promo_code_id = d.promo_code_id where p.seen_at is null;

-- files --
-- The counts of a code file are those of its rows.
select 'files_add_up' as invariant, 'code file ' || code_file_id || ' does not add up' as broken
from promo.code_file where row_count <> inserted + updated + unchanged + rejected;
