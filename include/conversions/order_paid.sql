-- Orders that the shop has posted as events; the value is what was paid.
select contact_id, received_at as at, (params ->> 'total')::numeric as value
from promo.event
where type = 'OrderPaid'
