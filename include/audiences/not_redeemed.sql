-- Everybody who was sent a code that ends within three days and is not in use: a code that a shop has told of is. For a
-- workflow with `reuse: until redeemed` and `days: 0`, which sends the same code again.
select distinct a.contact_id
  from promo.run r
  join promo.assignment a on a.run_id = r.run_id
  join promo.promo_code p on p.promo_code_id = a.promo_code_id
 where r.opened_at > now() - interval '90 days'
   and r.code_type = 'Welcome' and r.discount = 10
   and a.state in ('accepted', 'recorded')
   and p.expires_at between now() and now() + interval '3 days'
   and not p.retired
