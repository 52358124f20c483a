-- which_are_held --
-- Which of these locators a contact holds.
select named.value
from unnest(%(values)s::text[]) named(value)
where exists (
  select from promo.contact_channel h
  where h.type = %(type)s
    and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(%(type)s, named.value) collate "C");

-- close_locators --
-- Nothing is sent to these any more. What a deleted contact's deletion closed is closed for itself from now on, and what
-- had failed is unsubscribed.
update promo.contact_channel h
set unsubscribed_at = (select promo.clock()), closed_for = 'unsubscribed', closed_by = 'profile API'
from (
  select o.contact_channel_id
  from unnest(%(values)s::text[]) named(value)
  join promo.contact_channel o
    on o.type = %(type)s and promo.channel_key(o.type, o.value) collate "C" = promo.channel_key(%(type)s, named.value) collate "C"
  join promo.contact c on c.contact_id = o.contact_id
  where coalesce(o.unsubscribed_at = c.deleted_at, o.unsubscribed_at is null) or o.closed_for in ('bounced', 'unregistered')
  order by o.contact_channel_id for update of o) open
where h.contact_channel_id = open.contact_channel_id;

-- open_locators --
-- These are sent to again; those of a deleted contact are opened by its return alone.
update promo.contact_channel h
set unsubscribed_at = case when c.deleted_at is not null then c.deleted_at end, closed_for = null, closed_by = null,
    reopened_at = promo.clock()
from unnest(%(values)s::text[]) named(value), promo.contact c
where h.type = %(type)s and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(%(type)s, named.value) collate "C"
  and c.contact_id = h.contact_id and h.unsubscribed_at is not null
returning named.value;
