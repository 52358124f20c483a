-- The newest locator of a contact is found by the order of changes, and no longer by the clock. No row is read: channels
-- that are there have no place, and come after those that change from now on.

-- part: locked on promo.contact_channel --
create sequence promo.channel_change as bigint;
alter table promo.contact_channel add column change_no bigint;
alter table promo.contact_channel alter column change_no set default nextval('promo.channel_change');
comment on column promo.contact_channel.change_no is
  'Its place among the changes of all channels, so that the newest is found whatever the clock said; null if it has not
changed since before there was such a place.';
