-- find_owners --
-- Whose are these identifiers: position 0 is the external id, the others are channels in the order they were sent.
select 0 as position, c.contact_id, c.external_id, true as as_sent, c.deleted_at is not null as is_deleted
  from promo.contact c
 where c.external_id = %(external_id)s
union all
select s.position::int, c.contact_id, c.external_id, h.value = s.value and (s.device is null or s.device = h.device),
       c.deleted_at is not null
  from unnest(%(types)s::text[], %(locators)s::text[], %(devices)s::jsonb[]) with ordinality s (type, value, device, position)
  /* fragment holder */

-- is_there --
-- Whether there is such a contact; one that was deleted is none.
select contact_id from promo.contact where contact_id = %(contact_id)s and erased_at is null and deleted_at is null

-- put_values --
-- Nothing but additional fields of a contact that is there.
with /* fragment valued */
insert into promo.contact_field_value as v (contact_id, contact_field_id, value)
select %(contact_id)s, s.field_id, s.value
  from valued s
 where s.value is not null
on conflict (contact_id, contact_field_id) do update
   set value = excluded.value, updated_at = now()
 where v.value is distinct from excluded.value

-- insert_contact --
-- A new contact with its channels and values; a rival that was faster makes this fail on a unique index.
with born as (
  insert into promo.contact (external_id, first_name, last_name, language, time_zone)
  values (%(external_id)s, %(first_name)s, %(last_name)s, %(language)s, %(time_zone)s)
  returning contact_id
), channels as (
  insert into promo.contact_channel (contact_id, type, value, device)
  select born.contact_id, s.type, s.value, s.device
    from born, unnest(%(types)s::text[], %(locators)s::text[], %(devices)s::jsonb[]) s (type, value, device)
), kept as (
  insert into promo.contact_field_value (contact_id, contact_field_id, value)
  select born.contact_id, s.field_id, s.value
    from born, unnest(%(field_ids)s::bigint[], %(values)s::text[]) s (field_id, value)
   where s.value is not null
)
select contact_id from born

-- update_contact --
-- What was sent replaces what is there; what was not sent stays. Rows that already agree are not written.
with found as (
  select contact_id from promo.contact where contact_id = %(contact_id)s
), named as (
  update promo.contact c
     set external_id = coalesce(%(external_id)s, c.external_id), first_name = coalesce(%(first_name)s, c.first_name),
         last_name = coalesce(%(last_name)s, c.last_name), language = coalesce(%(language)s, c.language),
         time_zone = coalesce(%(time_zone)s, c.time_zone), updated_at = now()
   where c.contact_id = %(contact_id)s and c.erased_at is null
     and (coalesce(%(external_id)s, c.external_id), coalesce(%(first_name)s, c.first_name),
          coalesce(%(last_name)s, c.last_name), coalesce(%(language)s, c.language), coalesce(%(time_zone)s, c.time_zone))
         is distinct from (c.external_id, c.first_name, c.last_name, c.language, c.time_zone)
), sent as (
  select s.type, s.value, s.device, promo.channel_key(s.type, s.value) collate "C" as key
    from unnest(%(types)s::text[], %(locators)s::text[], %(devices)s::jsonb[]) s (type, value, device)
), changed as (
  update promo.contact_channel h
     set value = s.value, device = coalesce(s.device, h.device), updated_at = now(),
         change_no = default
    from sent s
   where h.contact_id = %(contact_id)s and h.type = s.type
     and (promo.is_single_channel(h.type) or promo.channel_key(h.type, h.value) collate "C" = s.key)
     and (h.value, h.device) is distinct from (s.value, coalesce(s.device, h.device))
), added as (
  insert into promo.contact_channel (contact_id, type, value, device)
  select f.contact_id, s.type, s.value, s.device
    from found f, sent s
   where not exists (
           select from promo.contact_channel h
            where h.contact_id = f.contact_id and h.type = s.type
              and (promo.is_single_channel(h.type) or promo.channel_key(h.type, h.value) collate "C" = s.key))
), /* fragment valued */, kept as (
  insert into promo.contact_field_value as v (contact_id, contact_field_id, value)
  select f.contact_id, s.field_id, s.value
    from found f, valued s
   where s.value is not null
  on conflict (contact_id, contact_field_id) do update
     set value = excluded.value, updated_at = now()
   where v.value is distinct from excluded.value
)
select contact_id from found

-- read_contacts --
-- Contacts as their owners would see them, with channels and values as JSON arrays.
select /* fragment contact_shown */
  from promo.contact c
 where c.contact_id = any (%(contact_ids)s) and c.erased_at is null

-- list_fields --
-- The additional fields, oldest first.
select contact_field_id as field_id, name, type, description
  from promo.contact_field
 order by contact_field_id

-- lock_fields --
-- One creation of a field at a time, so that a chosen id and the sequence cannot meet.
lock table promo.contact_field in share row exclusive mode

-- find_field --
-- The field of this name (in any case) and the field of this id, if there are such.
select contact_field_id as field_id, name, type, description
  from promo.contact_field
 where lower(name) collate "C" = lower(%(name)s) collate "C" or contact_field_id = %(field_id)s
 order by (lower(name) = lower(%(name)s)) desc

-- insert_field --
-- A new field under the id that was chosen, or the next one that is free.
insert into promo.contact_field (contact_field_id, name, type, description)
values (coalesce(%(field_id)s, nextval(pg_get_serial_sequence('promo.contact_field', 'contact_field_id'))),
        %(name)s, %(type)s, %(description)s)
returning contact_field_id as field_id, name, type, description

-- pass_field_ids --
-- Lift the sequence over the ids in use.
select setval(pg_get_serial_sequence('promo.contact_field', 'contact_field_id'), max(contact_field_id)) from promo.contact_field
