-- add_redemptions --
-- Keep redemptions that are not known yet, each with the contact it means, the owner of its code, the run that sent the code,
-- and what is odd about it. A code that was used leaves the pool for good, and is not given again. Everything is looked up row by row,
-- so that the cost follows the rows. A moment that is yet to come is now; clocks may differ by five minutes.
with sent as (
  select distinct on (s.order_id, s.key) s.*
  from (
    select t.*, promo.code_key(t.code) collate "C" as key, least(t.told_at, promo.clock()) as redeemed_at
    from unnest(%(codes)s::text[], %(orders)s::text[], %(times)s::timestamptz[], %(amounts)s::numeric[], %(currencies)s::text[],
                %(contact_ids)s::bigint[], %(external_ids)s::text[], %(types)s::text[], %(locators)s::text[])
      with ordinality t (code, order_id, told_at, amount, currency, given_id, external_id, type, value, place)
  ) s
  order by s.order_id, s.key, s.place
), known as (
  select s.*, p.promo_code_id, p.held_by, buyer.contact_id, sending.run_id, sending.sent_at
  from sent s
  left join lateral (
    select coalesce(
      (select c.contact_id from promo.contact c where c.contact_id = s.given_id and c.erased_at is null),
      (select c.contact_id from promo.contact c where c.external_id = s.external_id),
      (select h.contact_id from promo.contact_channel h
       where h.type = s.type and promo.channel_key(h.type, h.value) collate "C" = promo.channel_key(s.type, s.value) collate "C")
    ) as contact_id) buyer on true
  -- A code that several share is the buyer's own copy of it.
  left join lateral (
    (select c.promo_code_id, c.held_by from promo.promo_code c
     where promo.code_key(c.code) collate "C" = s.key and not c.twin limit 1)
    union all
    (select c.promo_code_id, c.held_by from promo.promo_code c
     where c.held_by = buyer.contact_id and c.shared and promo.code_key(c.code) collate "C" = s.key limit 1)
    limit 1) p on true
  left join lateral (
    select given.run_id, given.sent_at
    from (
      select a.run_id, told.sent_at
      from promo.assignment a
      cross join lateral (
        select min(t.started_at) as sent_at from promo.attempt t
        where t.run_id = a.run_id and t.contact_id = a.contact_id and t.promo_code_id = p.promo_code_id
          and t.purpose = 'message' and t.outcome is distinct from 'refused') told
      where a.contact_id = p.held_by and a.promo_code_id = p.promo_code_id
      union all
      select k.run_id, k.sent_at from promo.archived_code k where k.promo_code_id = p.promo_code_id
    ) given
    order by coalesce(given.sent_at < s.redeemed_at + interval '5 minutes', false) desc, -given.run_id limit 1) sending on true
), added as (
  insert into promo.redemption
    (redeemed_at, promo_code_id, owner_id, contact_id, run_id, order_id, code, amount, currency, finding, source)
  select k.redeemed_at, k.promo_code_id, k.held_by, k.contact_id, k.run_id, k.order_id, k.code, k.amount, k.currency,
         case when k.promo_code_id is null then 'no such code'
              when k.held_by is null then 'never given'
              when k.contact_id <> k.held_by then 'not the owner'
              when k.sent_at is null or k.sent_at >= k.redeemed_at + interval '5 minutes' then 'before it was sent' end,
         %(source)s
  from known k
  where not exists (
    select from promo.erasure_key e join promo.redemption d
      on d.order_id = 'erased ' || encode(promo.identity_digest(e.inner_pad, e.outer_pad, 'order', k.order_id), 'hex')
     and promo.code_key(d.code) collate "C" = k.key)
  order by k.order_id, k.key
  on conflict (order_id, promo.code_key(code) collate "C") do nothing
  returning promo_code_id, finding
), used as (
  update promo.promo_code p set retired = true, seen_at = promo.clock()
  where p.promo_code_id in (select a.promo_code_id from added a) and p.seen_at is null
)
select coalesce(finding, '') as finding, count(*) as redemptions from added group by 1

-- lock_source --
-- Let one reader at a time read a table elsewhere.
select pg_advisory_xact_lock(hashtextextended('promo redemptions ' || %(name)s, 0))
