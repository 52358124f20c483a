-- Passages that several statements about a restored store have in common.

-- told_of_run --
-- What receivers told of the contacts of a run, beside their rows in it.
from promo.run r
join promo.restored_send t on t.run_key = r.run_key
join promo.assignment a on a.run_id = r.run_id and a.contact_id = t.contact_id
where r.run_id = %(run_id)s

-- taken_for_sent --
-- Those who are `gone` may have been sent to: an attempt that no worker made, under a lease below zero, says so, and nobody
-- knows its outcome.
token as materialized (
  select -nextval('promo.lease_token') as token
), intended as (
  insert into promo.attempt (run_id, contact_id, promo_code_id, lease_token, purpose, started_at)
  select g.run_id, g.contact_id, g.promo_code_id, token.token, 'message', g.at from gone g cross join token
)
update promo.assignment a set state = 'unknown', lease_token = null, lease_until = null
from gone g where a.run_id = g.run_id and a.contact_id = g.contact_id
