-- put_address --
-- What was sent replaces what is there; what was not sent stays.
insert into promo.contact_address as a (contact_id, region, town, address, postcode)
values (%(contact_id)s, %(region)s, %(town)s, %(address)s, %(postcode)s)
on conflict (contact_id) do update
   set region = coalesce(excluded.region, a.region), town = coalesce(excluded.town, a.town),
       address = coalesce(excluded.address, a.address), postcode = coalesce(excluded.postcode, a.postcode)
 where (coalesce(excluded.region, a.region), coalesce(excluded.town, a.town), coalesce(excluded.address, a.address),
        coalesce(excluded.postcode, a.postcode)) is distinct from (a.region, a.town, a.address, a.postcode);
