-- read_states --
-- How many contacts of an occurrence are in which state.
select a.state::text as state, count(*) as contacts
from promo.run r join promo.assignment a using (run_id)
where r.run_key = %(run_key)s
group by a.state order by a.state;

-- read_accepted_since --
-- How many messages of an occurrence were accepted since an instant, and when the first of them was.
select count(*) as messages, min(t.finished_at) as first_at
from promo.run r join promo.attempt t using (run_id)
where r.run_key = %(run_key)s and t.purpose = 'message' and t.outcome = 'ok' and t.finished_at >= %(since)s;

-- read_leases --
-- How many contacts of an occurrence somebody is calling out for, and for how many seconds at most.
select count(*) as contacts, coalesce(ceil(extract(epoch from max(a.lease_until) - now())), 0)::int as seconds
from promo.run r join promo.assignment a using (run_id)
where r.run_key = %(run_key)s and a.lease_until > now();

-- read_counts --
-- What became of an occurrence, counted from every side: ledger, receiver's inbox and profiles.
select count(*) as audience,
       count(distinct promo.code_key(p.code)) as distinct_codes,
       count(*) filter (where a.state in ('accepted', 'recorded')) as accepted,
       count(*) filter (where a.state = 'recorded') as recorded,
       count(*) filter (where a.state = 'skipped' and a.reason = 'no channel') as without_channel,
       count(*) filter (where a.state = 'skipped' and a.promo_code_id is null) as skipped_without_code,
       count(*) filter (where v.value = p.code) as profiles_with_their_code,
       coalesce(sum(i.messages), 0) as messages_received,
       count(*) filter (where i.messages = 1) as contacts_with_one_message
from promo.run r
join promo.assignment a using (run_id)
left join promo.promo_code p using (promo_code_id)
left join promo.contact_field_value v on v.contact_id = a.contact_id and v.contact_field_id = %(field_id)s
left join lateral (
  select count(*) as messages from promo.inbox_message m
  where m.contact_id = a.contact_id and strpos(m.body, p.code) > 0
) i on true
where r.run_key = %(run_key)s;

-- read_samples --
-- A few contacts of an occurrence: the first who have a code, and the first who have none.
select contact, channel, code, state, reason, value
from (
  select coalesce(c.external_id, c.contact_id::text) as contact, r.channel, p.code, a.state::text as state, a.reason,
         v.value, row_number() over (partition by p.code is null order by a.contact_id) as place,
         p.code is null as without_code
  from promo.run r
  join promo.assignment a using (run_id)
  join promo.contact c using (contact_id)
  left join promo.promo_code p using (promo_code_id)
  left join promo.contact_field_value v on v.contact_id = a.contact_id and v.contact_field_id = %(field_id)s
  where r.run_key = %(run_key)s
) numbered
where place <= case when without_code then 2 else 5 end
order by without_code, place;

-- read_fingerprint --
-- A digest of everything a campaign changes: it is the same exactly when nothing changed.
select md5(concat_ws('|',
  (select md5(string_agg(a::text, ',' order by a.run_id, a.contact_id)) from promo.assignment a),
  (select md5(string_agg(t::text, ',' order by t.attempt_id)) from promo.attempt t),
  (select md5(string_agg(m::text, ',' order by m.idempotency_key)) from promo.inbox_message m),
  (select md5(string_agg(v::text, ',' order by v.contact_id, v.contact_field_id)) from promo.contact_field_value v),
  (select md5(string_agg(p::text, ',' order by p.promo_code_id)) from promo.promo_code p where p.issued_at is not null)
)) as digest;
