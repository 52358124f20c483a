-- list_people --
-- The next contacts of a run, by their ids.
with page as materialized (
  select * from promo.assignment where run_id = %(run_id)s and contact_id > %(after)s order by contact_id limit %(limit)s
)
/* fragment in_run */;

-- list_people_in_state --
-- Of the next contacts of a run, so many are looked at, those in a state.
with page as materialized (
  select * from (
    select * from promo.assignment where run_id = %(run_id)s and contact_id > %(after)s order by contact_id limit %(window)s
  ) looked
  where state = %(state)s::promo.assignment_state order by contact_id limit %(limit)s
)
/* fragment in_run */;

-- last_looked_at --
-- The last of so many next contacts of a run; no row if there are fewer.
select contact_id from promo.assignment
where run_id = %(run_id)s and contact_id > %(after)s order by contact_id offset %(window)s - 1 limit 1;

-- read_person --
-- One contact of a run.
with page as materialized (
  select * from promo.assignment where run_id = %(run_id)s and contact_id = %(contact_id)s
)
/* fragment given */;

-- list_attempts --
-- Every call that was made for a contact of a run, oldest first; the data source by its place in the definition.
select started_at as at, finished_at, purpose, outcome, detail, source from promo.attempt
where run_id = %(run_id)s and contact_id = %(contact_id)s order by attempt_id;

-- list_codes_of_contact --
-- The runs that a contact was in, newest first, with the codes it was given.
with page as materialized (
  select * from promo.assignment where contact_id = %(contact_id)s and (-run_id) > -%(before)s::bigint
  order by contact_id, (-run_id) limit %(limit)s
)
/* fragment given */;

-- find_code --
-- A code, however its letters are written, and who holds it.
select p.promo_code_id, p.code, p.type, p.discount, p.expires_at, p.retired, p.issued_at, p.held_by, f.name as file, p.line
from promo.promo_code p join promo.code_file f on f.code_file_id = p.code_file_id
where promo.code_key(p.code) collate "C" = promo.code_key(%(code)s) collate "C" and not p.twin;

-- list_holders --
-- The newest runs in which its contact was given a code.
with page as materialized (
  select * from promo.assignment where contact_id = %(contact_id)s and promo_code_id = %(promo_code_id)s
  order by (-run_id) limit %(limit)s
)
/* fragment given */;

-- find_contacts --
-- Contacts with this id, external id or locator of any channel.
with recursive channel (type) as (
  (select type from promo.contact_channel order by type limit 1)
  union all
  select (select h.type from promo.contact_channel h where h.type > c.type order by h.type limit 1) from channel c where c.type is not null
), found as (
  select contact_id, '' as type, '' as value from promo.contact where contact_id = %(contact_id)s
  union all
  select contact_id, '', '' from promo.contact where external_id = %(text)s
  union all
  select h.contact_id, h.type, h.value
  from channel n
  join promo.contact_channel h
    on h.type = n.type and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(n.type, %(text)s) collate "C"
)
select c.contact_id, c.external_id, c.erased_at is not null as erased, max(f.type) as type, max(f.value) as value
from found f join promo.contact c on c.contact_id = f.contact_id
group by c.contact_id order by c.contact_id limit %(limit)s;

-- read_code --
-- The code that a contact of a run holds, with the run's key.
select r.run_key, c.code from promo.assignment a
join promo.run r on r.run_id = a.run_id
left join promo.promo_code c on c.promo_code_id = a.promo_code_id
where a.run_id = %(run_id)s and a.contact_id = %(contact_id)s;
