-- sent_mails --
-- Under which run, and with which resend counter, contacts were sent mails; of each contact the newest runs.
select t.contact_id, sent.run_id, sent.run_key, sent.resend_counter
from unnest(%(contact_ids)s::bigint[]) t (contact_id)
cross join lateral (
  select a.run_id, r.run_key, a.resend_counter
  from promo.assignment a join promo.run r using (run_id)
  where a.contact_id = t.contact_id and r.channel = 'email'
  order by -a.run_id
  limit %(most_runs)s
) sent;
