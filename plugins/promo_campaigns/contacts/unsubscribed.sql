-- open_locators --
-- These are sent to again; those of a deleted contact are opened by its return alone.
update promo.contact_channel h
set unsubscribed_at = case when c.deleted_at is not null then c.deleted_at end, closed_for = null, closed_by = null,
    reopened_at = promo.clock()
from unnest(%(values)s::text[]) named(value), promo.contact c
where h.type = %(type)s and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(%(type)s, named.value) collate "C"
  and c.contact_id = h.contact_id and h.unsubscribed_at is not null
returning named.value;
