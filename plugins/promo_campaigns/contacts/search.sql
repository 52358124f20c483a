-- everybody --
-- The contacts after one.
select c.contact_id, '' as name from promo.contact c
where c.erased_at is null and c.deleted_at is null and c.contact_id > %(after)s
order by c.contact_id limit %(limit)s;

-- by_locator --
-- Who holds the address, the number, or both; and has the names, if any are asked for.
select c.contact_id, '' as name
from (
  select h.contact_id
  from unnest(%(types)s::text[], %(locators)s::text[]) s (type, value)
  join promo.contact_channel h
    on h.type = s.type and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(s.type, s.value) collate "C"
  group by h.contact_id having count(*) = cardinality(%(types)s::text[])) holder
join promo.contact c on c.contact_id = holder.contact_id
where %(first_name)s in ('', lower(c.first_name)) and %(last_name)s in ('', lower(c.last_name))
  and c.erased_at is null and c.deleted_at is null and c.contact_id > %(after)s
order by c.contact_id limit %(limit)s;

-- by_first_name --
-- Who is called so.
select c.contact_id, '' as name from promo.contact c
where lower(c.first_name) = %(first_name)s and c.first_name is not null and c.erased_at is null and c.deleted_at is null and c.contact_id > %(after)s
order by lower(c.first_name), c.contact_id limit %(limit)s;

-- by_names --
-- Who is called so by both names.
select c.contact_id, '' as name from promo.contact c
where lower(c.last_name) = %(last_name)s and coalesce(lower(c.first_name), '') = %(first_name)s
  and c.last_name is not null and c.erased_at is null and c.deleted_at is null and c.contact_id > %(after)s
order by lower(c.last_name), coalesce(lower(c.first_name), ''), c.contact_id limit %(limit)s;

-- by_last_name --
-- Who is called so, by first name.
select c.contact_id, coalesce(lower(c.first_name), '') as name from promo.contact c
where lower(c.last_name) = %(last_name)s and c.last_name is not null and c.erased_at is null and c.deleted_at is null
  and (coalesce(lower(c.first_name), ''), c.contact_id) > (%(after_name)s, %(after)s)
order by lower(c.last_name), coalesce(lower(c.first_name), ''), c.contact_id limit %(limit)s;

-- by_group --
-- The members of a group after one.
select c.contact_id, '' as name
from promo.contact_group_member m join promo.contact c on c.contact_id = m.contact_id
where m.contact_group_id = %(group_id)s and m.contact_id > %(after)s and c.contact_id > %(after)s and c.erased_at is null and c.deleted_at is null
order by m.contact_id limit %(limit)s;

-- read_shown --
-- Contacts with their channels, values and groups as JSON arrays, and where they live.
select /* fragment contact_shown */,
       coalesce((select jsonb_agg(jsonb_build_object('id', g.contact_group_id, 'name', g.name) order by g.contact_group_id)
                   from promo.contact_group_member m
                   join promo.contact_group g on g.contact_group_id = m.contact_group_id
                  where m.contact_id = c.contact_id), '[]') as groups,
       (select jsonb_build_object('region', l.region, 'town', l.town, 'address', l.address, 'postcode', l.postcode)
          from promo.contact_address l where l.contact_id = c.contact_id) as address
  from promo.contact c
 where c.contact_id = any (%(contact_ids)s) and c.erased_at is null and c.deleted_at is null
 order by c.contact_id;

-- read_emails --
-- The addresses of contacts.
select h.contact_id, h.value as email
from promo.contact_channel h join promo.contact c on c.contact_id = h.contact_id
where h.contact_id = any (%(contact_ids)s) and h.type = 'email' and c.erased_at is null and c.deleted_at is null
order by h.contact_id;
