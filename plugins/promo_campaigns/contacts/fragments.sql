-- Passages that several statements of contacts and events have in common; where one stands, the statement says so by its
-- name.

-- holder --
-- The contact that holds the locator of `s`, compared as its type demands.
join promo.contact_channel h
  on h.type = s.type and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(s.type, s.value) collate "C"
join promo.contact c on c.contact_id = h.contact_id

-- valued --
-- The values that were sent, of which the empty ones empty their fields.
valued as (
  select s.field_id, s.value
    from unnest(%(field_ids)s::bigint[], %(values)s::text[]) s (field_id, value)
), emptied as (
  delete from promo.contact_field_value v
   using valued s
   where v.contact_id = %(contact_id)s and v.contact_field_id = s.field_id and s.value is null
)

-- queues --
-- The workflows that events wait for, each found from the one before it: their index is read a row a workflow.
queue as (
  (select workflow from promo.event_queue where taken_at is null order by workflow limit 1)
  union all
  select n.workflow from queue q cross join lateral (
    select t.workflow from promo.event_queue t where t.taken_at is null and t.workflow > q.workflow order by t.workflow limit 1) n
)

-- claims --
-- Which identifiers the rows of a load name, each with its kind.
claims as (
  select row_number, 'externalId' as place, external_id as key from stage_contact where external_id is not null
  union all
  select row_number, type, key from stage_channel
  union all
  select row_number, '', contact_id::text from stage_contact where contact_id is not null
)

-- whose_locators --
-- Which contacts hold the listed values of a channel, compared as the type of the channel demands.
from unnest(%(values)s::text[]) named(value)
join promo.contact_channel h
  on h.type = %(by)s and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(%(by)s, named.value)
