-- Everybody whose app can be reached: at least one push token that was not unsubscribed.
select c.contact_id
  from promo.contact c
 where exists (
         select
           from promo.contact_channel h
          where h.contact_id = c.contact_id and h.type = 'mobilepush' and h.unsubscribed_at is null)
