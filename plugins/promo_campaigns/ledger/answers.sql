-- begin_answers --
-- The intent to ask a data source before the message: leases the assigned it has not answered for.
with /* fragment moment */, due as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, moment.at
  /* fragment valid_code */
  and /* fragment answer_is_due */
  order by a.contact_id for update of a skip locked
), /* fragment leased */
insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, source, shows_code, started_at)
select %(run_id)s, contact_id, promo_code_id, %(token)s, 'answer', %(source)s, %(shows_code)s, at from due;

-- due_answers --
-- Whom begin_answers would lease, in the same order as for messages.
with /* fragment moment */
select a.contact_id
/* fragment valid_code */
and /* fragment answer_is_due */
order by /* fragment longest_ago */;

-- keep_answers --
-- What the data source answered, for those whose lease is still the asker's.
with told as materialized (
  select %(run_id)s::bigint as run_id, contact_id, outcome, answer
  from unnest(%(contact_ids)s::bigint[], %(outcomes)s::text[], %(answers)s::text[]) as e (contact_id, outcome, answer)
)
insert into promo.answer as known (run_id, contact_id, promo_code_id, source, resend_counter, value)
select a.run_id, a.contact_id, case when %(shows_code)s then a.promo_code_id end, %(source)s, a.resend_counter, e.answer::jsonb
from told e
join promo.assignment a on a.run_id = e.run_id and a.contact_id = e.contact_id
where e.outcome = 'ok' and a.state = 'sending' and a.lease_token = %(token)s
on conflict (run_id, contact_id, source) do update
  set promo_code_id = excluded.promo_code_id, resend_counter = excluded.resend_counter, value = excluded.value,
      received_at = excluded.received_at;

-- fold_answers --
-- Who was answered for is due again, and who is to be asked again; a refusal ends here, before the message.
with /* fragment told */, decided as materialized (
  select a.run_id, a.contact_id, a.promo_code_id, nullif(e.detail, '') as detail, e.outcome = 'refused' as gives_back,
         e.outcome = 'refused' and promo.was_seen(a.run_id, a.contact_id, a.promo_code_id) as seen
  from told e
  join promo.assignment a on a.run_id = e.run_id and a.contact_id = e.contact_id
  where a.state = 'sending' and a.lease_token = %(token)s
), /* fragment given_back */
update promo.assignment a
set state = (case when n.gives_back then 'rejected' else 'assigned' end)::promo.assignment_state,
    lease_token = null, lease_until = null,
    reason = case when n.gives_back then 'data source: ' || coalesce(n.detail, 'refused') end,
    promo_code_id = case when not n.gives_back then a.promo_code_id end
from decided n
where a.run_id = n.run_id and a.contact_id = n.contact_id;

-- read_answers --
-- What the data sources have answered for these contacts, by contact and source.
select contact_id, source, value from promo.answer
where run_id = %(run_id)s and contact_id = any(%(contact_ids)s) order by contact_id, source;

-- erase_answers --
-- Answers that are not read any more: of closed runs, but for contacts with an unknown outcome; and whatever was answered so many
-- days ago. Who is to be sent to after that is asked for anew.
delete from promo.answer w
using promo.assignment a join promo.run r using (run_id)
where a.run_id = w.run_id and a.contact_id = w.contact_id
  and (r.closed_at is not null and a.state <> 'unknown' or w.received_at < promo.clock() - make_interval(days => %(days)s));
