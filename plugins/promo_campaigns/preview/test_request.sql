-- codes_held --
-- The codes that a contact holds in any run.
select p.code from promo.assignment a join promo.promo_code p using (promo_code_id) where a.contact_id = %(contact_id)s;
