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

-- told_closings --
-- What was told of channels, and which of them are meant: by their locator, or all of one type of a contact.
told as materialized (
  select t.position, t.contact_id, t.type, t.value, t.reason, t.told_by, t.at as told_at, least(t.at, now.at) as at
  from unnest(%(contact_ids)s::bigint[], %(types)s::text[], %(locators)s::text[], %(reasons)s::text[], %(by)s::text[],
              %(at)s::timestamptz[]) with ordinality t (contact_id, type, value, reason, told_by, at, position)
  cross join (select promo.clock() as at) now
), meant as materialized (
  select s.*, h.contact_channel_id from told s
  join promo.contact_channel h
    on h.type = s.type and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(s.type, s.value) collate "C"
  where s.value is not null and (s.contact_id is null or s.contact_id = h.contact_id)
  union all
  select s.*, h.contact_channel_id from told s
  join promo.contact_channel h on h.contact_id = s.contact_id and h.type = s.type
  where s.value is null

-- chosen_closings --
-- Of several closings of a channel the one that weighs most, carried out where it changes something. What the deletion of
-- its contact closed would open with the contact, so it is closed for itself.
chosen as (
  select distinct on (m.contact_channel_id) m.* from meant m join held using (contact_channel_id)
  order by m.contact_channel_id, m.reason in ('unsubscribed', 'complained') desc, m.position
), closed as (
  update promo.contact_channel h
  set unsubscribed_at = c.at, closed_for = c.reason, closed_by = c.told_by
  from chosen c
  where h.contact_channel_id = c.contact_channel_id
    and (h.reopened_at is null or c.told_at is null or c.told_at > h.reopened_at)
    and (h.unsubscribed_at is null
         or (h.closed_for in ('bounced', 'unregistered') and c.reason in ('unsubscribed', 'complained'))
         or (h.closed_for is null and h.unsubscribed_at = (
               select d.deleted_at from promo.contact d where d.contact_id = h.contact_id)))
  returning h.contact_channel_id
)
select s.position, count(m.contact_channel_id) > 0 as known, count(c.contact_channel_id) > 0 as closed
from told s left join meant m on m.position = s.position left join closed c on c.contact_channel_id = m.contact_channel_id
group by s.position order by s.position

-- reopened --
-- The closed channels of one type of a contact are open again.
update promo.contact_channel h
set unsubscribed_at = null, closed_for = null, closed_by = null, reopened_at = promo.clock()
where h.contact_id = %(contact_id)s and h.type = %(type)s and coalesce(h.unsubscribed_at, '-infinity') > '-infinity'

-- closing_told --
-- Channels that were closed in a span of time after one, whose they are and why; not those that a deletion closed.
h.contact_channel_id, h.contact_id, c.external_id, h.type, h.value, h.unsubscribed_at as closed_at,
       coalesce(h.closed_for, 'unsubscribed') as closed_for, h.closed_by
from promo.contact_channel h join promo.contact c on c.contact_id = h.contact_id
where h.unsubscribed_at >= %(since)s and h.unsubscribed_at < %(until)s
  and (h.unsubscribed_at, h.contact_channel_id) > (%(after)s, %(after_id)s)
  and c.deleted_at is null and coalesce(h.closed_for, 'unsubscribed') = any(%(reasons)s::text[])

-- contact_shown --
-- Contact `c` as its owner would see it, with channels and values as JSON arrays.
c.contact_id, c.external_id, c.first_name, c.last_name, c.language, c.time_zone,
       coalesce((select jsonb_agg(jsonb_build_object('type', h.type, 'value', h.value, 'device', h.device)
                           || case when h.unsubscribed_at is null then '{}' else jsonb_build_object(
                             'closed_at', h.unsubscribed_at, 'closed_for', coalesce(h.closed_for, 'unsubscribed'), 'closed_by', h.closed_by) end
                         order by h.type, h.contact_channel_id)
                   from promo.contact_channel h where h.contact_id = c.contact_id), '[]') as channels,
       coalesce((select jsonb_agg(jsonb_build_object('id', v.contact_field_id, 'name', f.name, 'type', f.type, 'value', v.value) order by v.contact_field_id)
                   from promo.contact_field_value v
                   join promo.contact_field f on f.contact_field_id = v.contact_field_id
                  where v.contact_id = c.contact_id), '[]') as "values"

-- come_back --
-- Those who `was` deleted are back, and what their deletion closed is open.
back as (
  update promo.contact c set deleted_at = null, updated_at = now() from was where c.contact_id = was.contact_id
), opened as (
  update promo.contact_channel h set unsubscribed_at = null
    from was where h.contact_id = was.contact_id and h.unsubscribed_at = was.deleted_at and h.closed_for is null
)
