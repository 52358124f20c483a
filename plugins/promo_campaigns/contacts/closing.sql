-- close_channels --
-- Closes channels that are open, and says of each that was told whether it is somebody's and whether it was closed now.
-- What its owner wants comes before what a receiver says of it; what is told of a time before it was opened again is over.
with /* fragment told_closings */
), held as materialized (
  select h.contact_channel_id from promo.contact_channel h
  where h.contact_channel_id in (select contact_channel_id from meant) order by h.contact_channel_id for update
), /* fragment chosen_closings */

-- close_free_channels --
-- The same for channels that nobody is writing: who has leases to keep waits for no load of contacts.
with /* fragment told_closings */
), held as materialized (
  select h.contact_channel_id from promo.contact_channel h
  where h.contact_channel_id in (select contact_channel_id from meant) order by h.contact_channel_id
  for update skip locked
), /* fragment chosen_closings */

-- reopen_channels --
-- Opens the closed channels of one type of a contact. They are found among those of the contact: where few are closed in
-- all, the planner would rather go through them, which is no cost of one contact.
/* fragment reopened */;

-- reopen_locator --
-- Opens the channel of a contact that has a locator, if it is closed; found likewise.
/* fragment reopened */
  and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(%(type)s, %(locator)s) collate "C";

-- reopen_failed --
-- Opens the channels that were closed in a span of time because their locators failed.
update promo.contact_channel h
set unsubscribed_at = null, closed_for = null, closed_by = null, reopened_at = promo.clock()
where h.unsubscribed_at >= %(since)s and h.unsubscribed_at < %(until)s
  and h.type = %(type)s and h.closed_for in ('bounced', 'unregistered');

-- list_closed --
-- The channels that were closed last, newest first.
select h.contact_id, h.type, h.unsubscribed_at as closed_at, coalesce(h.closed_for, 'unsubscribed') as closed_for, h.closed_by
from promo.contact_channel h where h.unsubscribed_at is not null
order by h.unsubscribed_at desc, h.contact_channel_id desc limit %(limit)s;

-- list_closings --
-- The channels that were closed in a span of time, oldest first, after one.
select /* fragment closing_told */
order by h.unsubscribed_at, h.contact_channel_id limit %(limit)s;

-- list_closings_of --
-- The same of one channel, which is found first.
select /* fragment closing_told */
  and h.contact_channel_id = (
    select k.contact_channel_id from promo.contact_channel k
    where k.type = %(type)s
      and promo.channel_key(k.type, k.value) collate "C" = promo.channel_key(%(type)s, %(locator)s) collate "C")
limit %(limit)s;

-- hear_notice --
-- Notes a signed notice by its signature; no row if it was heard before.
insert into promo.heard_notice (signature) values (%(signature)s) on conflict (signature) do nothing returning signature;

-- forget_notices --
-- Notices that are too old to be taken once more.
delete from promo.heard_notice where received_at < promo.clock() - make_interval(secs => %(keep_s)s);
