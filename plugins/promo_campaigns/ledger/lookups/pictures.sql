-- picture_key --
-- With what links to pictures of codes are signed.
select key from promo.picture_key;

-- pictured_code --
-- The code that a contact holds in a run, unless the contact was erased.
select p.code from promo.assignment a
join promo.contact c on c.contact_id = a.contact_id and c.erased_at is null
join promo.promo_code p on p.promo_code_id = a.promo_code_id
where a.run_id = %(run_id)s and a.contact_id = %(contact_id)s;
