-- by_ids --
-- An audience that was given as contact ids.
select unnest(%(contact_ids)s::bigint[]) as contact_id

-- by_contact_id --
-- A list of contact ids.
select unnest(%(values)s::text[]::bigint[]) as contact_id

-- by_external_id --
-- A list of external ids; those of nobody fall away.
select contact_id from promo.contact where external_id = any(%(values)s::text[])

-- by_channel --
-- A list of a channel's values; those of nobody fall away.
select h.contact_id
from unnest(%(values)s::text[]) named(value)
join promo.contact_channel h
  on h.type = %(by)s and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(%(by)s, named.value)
