-- Everybody.
select contact_id from promo.contact
