-- claim_matching --
-- Gives each pending contact a free code of the pool that carries what the contact has, oldest expiry first; one statement for
-- all that the contacts of a batch have. Where there are too few, the last contacts of those who have the same stay pending.
with /* fragment ledger.waiting */, wanting as materialized (
  select m.attributes, array_agg(due.contact_id order by due.contact_id) as contact_ids
  from due cross join lateral (
    select v.attributes from promo.match_value v
    where v.run_id = due.run_id and v.contact_id = due.contact_id and v.attributes <> '' offset 0) m
  group by m.attributes
), pair as materialized (
  select %(run_id)s::bigint as run_id, p.contact_id, p.promo_code_id
  from wanting
  cross join lateral (
    select array_agg(c.promo_code_id order by c.expires_at, c.promo_code_id) as codes
    from (
      select f.promo_code_id, f.expires_at from promo.promo_code f
      where f.type = %(type)s and f.discount = %(discount)s and f.attributes = wanting.attributes
        and not f.retired and f.issued_at is null
        and f.expires_at >= %(at)s::timestamptz + make_interval(days => %(days)s)
      order by f.expires_at, f.promo_code_id
      limit cardinality(wanting.contact_ids) for update skip locked) c) free
  cross join lateral unnest(wanting.contact_ids, free.codes) as p (contact_id, promo_code_id)
  where p.contact_id is not null and p.promo_code_id is not null
), /* fragment ledger.given_out */
/* fragment ledger.less_demand */;

-- reuse_matching --
-- Gives each pending contact again the code of the pool that it holds, is valid long enough, and carries nothing or what the
-- contact has. Others stay pending, and so does everybody while the run waits for its approval.
with /* fragment ledger.waiting */, held as materialized (
  select due.run_id, due.contact_id, h.promo_code_id
  from due
  cross join lateral (
    select coalesce((
      select v.attributes from promo.match_value v
      where v.run_id = due.run_id and v.contact_id = due.contact_id), '') as attributes offset 0) m
  cross join lateral promo.code_to_reuse(
    due.contact_id, %(type)s, %(discount)s::smallint, %(at)s::timestamptz + make_interval(days => %(days)s),
    m.attributes) h
), /* fragment ledger.given_again */
/* fragment ledger.less_demand */;
