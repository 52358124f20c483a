-- audience --
-- The audience that a run opened now would freeze, in order: how each is reached, why it is not, what a template can
-- read, which code it would be given again, of the first pool of which it holds one, and what it has of the attributes that
-- codes must match: of an open run what it had when that was opened.
select c.contact_id, c.external_id, c.first_name, c.last_name, c.language, l.value as locator,
       case when l.value is null then 'no channel'
            when l.closed_for is not null then l.closed_for
            when promo.held_out(%(workflow)s::text, c.contact_id, %(hold_out)s::numeric) then 'hold-out'
            when %(cap_messages)s::integer <= (select count(*) /* fragment ledger.counted_by_cap */) then 'capped'
            else '' end as reason,
       (select jsonb_object_agg(f.name, jsonb_build_array(f.type, v.value))
        from promo.contact_field_value v join promo.contact_field f using (contact_field_id)
        where v.contact_id = c.contact_id) as fields,
       coalesce(c.time_zone, %(time_zone)s::text) as zone,
       h.code, h.expires_at,
       coalesce((select u.time_zone from promo.promo_code p join promo.code_file u using (code_file_id)
                 where promo.code_key(p.code) collate "C" = promo.code_key(h.code) and not p.twin), 'UTC') as pool_zone,
       (select v.value::text from promo.audience_value v where v.run_id = %(run_id)s::bigint and v.contact_id = c.contact_id) as told,
       h.place - 1 as place, has.attributes
from (select distinct audience.contact_id from (
/* audience */
) audience) a
join promo.contact c on c.contact_id = a.contact_id and c.erased_at is null
cross join (
  select %(run_id)s::bigint as run_id, %(channel)s::text as channel, w.since,
         promo.first_capped_run(%(channel)s, w.since) as first_run_id
  from (select greatest(promo.clock(), %(at)s::timestamptz) - make_interval(hours => %(cap_hours)s::integer)) w (since)
  offset 0) cap
left join lateral (
  select h.value, case when h.unsubscribed_at is not null then coalesce(h.closed_for, 'unsubscribed') end as closed_for
  from promo.contact_channel h
  where h.contact_id = c.contact_id and h.type = %(channel)s
  order by h.unsubscribed_at is null desc, h.change_no desc nulls last, h.updated_at desc, h.contact_channel_id desc limit 1
) l on true
cross join lateral (
  select case when %(match_names)s::text[] is null then '' else coalesce(
    (select m.attributes from promo.match_value m where m.run_id = %(run_id)s::bigint and m.contact_id = c.contact_id),
    (select now.attributes from promo.contact_has(c.contact_id, null, %(match_names)s::text[], %(match_sources)s::text[]) now)
  ) end as attributes offset 0) has
left join lateral (
  select held.code, held.expires_at, pool.place
  from unnest(%(types)s::text[], %(discounts)s::smallint[]) with ordinality pool (type, discount, place)
  cross join lateral promo.code_to_reuse(
    c.contact_id, pool.type, pool.discount,
    greatest(promo.clock(), %(at)s::timestamptz) + make_interval(days => %(days)s), has.attributes) held
  order by pool.place limit 1) h on %(reuses)s
order by c.contact_id

-- codes --
-- The free codes of the pool in the order they are claimed, but for those that open runs have still to claim.
select code, expires_at, coalesce(u.time_zone, 'UTC') as pool_zone
from promo.promo_code join promo.code_file u using (code_file_id)
where type = %(type)s and discount = %(discount)s and attributes = %(attributes)s and not retired and issued_at is null
  and expires_at >= greatest(promo.clock(), %(at)s::timestamptz) + make_interval(days => %(days)s)
order by expires_at, promo_code_id
offset %(ahead)s

-- told_attributes --
-- What contacts have of the attributes that codes must match, where another database told some of it.
select told.place, has.attributes
from unnest(%(contact_ids)s::bigint[], %(told)s::text[]) with ordinality told (contact_id, value, place)
cross join lateral promo.contact_has(
  told.contact_id, told.value::jsonb, %(match_names)s::text[], %(match_sources)s::text[]) has
order by told.place

-- waiting --
-- The audience of a run that is open: the contacts that wait in it.
select contact_id from promo.assignment where run_id = {run_id} and state = 'pending'
