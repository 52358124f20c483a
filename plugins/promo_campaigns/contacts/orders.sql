-- put_order --
-- An order, or what is new of one that is known.
insert into promo.shop_order as o (external_id, contact_id, status, ordered_at, total, currency, details)
values (%(external_id)s, %(contact_id)s, %(status)s, %(ordered_at)s, %(total)s, %(currency)s, %(details)s)
on conflict (external_id) do update
   set contact_id = coalesce(excluded.contact_id, o.contact_id), status = excluded.status, ordered_at = excluded.ordered_at,
       total = excluded.total, currency = excluded.currency, details = excluded.details, received_at = promo.clock()
returning shop_order_id;

-- read_order --
-- An order by the shop's id for it.
select external_id, contact_id, status, ordered_at, total, currency, details
from promo.shop_order where external_id = %(external_id)s;

-- delete_order --
-- The shop takes an order back.
delete from promo.shop_order where external_id = %(external_id)s;

-- count_orders --
-- How many orders contacts have, and when the last one was.
select contact_id, count(*) as count, max(ordered_at) as last
from promo.shop_order where contact_id = any (%(contact_ids)s) group by contact_id;
