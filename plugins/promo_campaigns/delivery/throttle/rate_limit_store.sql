-- know_receiver --
-- Makes sure that there is a row to lock.
insert into promo.rate_budget (receiver) values (%(receiver)s) on conflict (receiver) do nothing;

-- lease_tokens --
-- The next tokens, unless they begin too late for the caller. A worker that asks a moment late is not the poorer for it.
with due as materialized (
  select receiver, promo.clock() as asked_at,
         greatest(next_at, promo.clock() - make_interval(secs => %(grace_s)s)) as begins_at
  from promo.rate_budget where receiver = %(receiver)s for update
), leased as (
  update promo.rate_budget b set next_at = d.begins_at + make_interval(secs => %(span_s)s)
  from due d
  where b.receiver = d.receiver and d.begins_at < d.asked_at + make_interval(secs => %(within_s)s)
  returning b.receiver
)
select exists (select from leased) as leased, extract(epoch from d.begins_at - d.asked_at)::float8 as wait_s from due d;

-- back_off --
-- No worker begins a call for so long: no token is due, and those that are leased already are not used.
update promo.rate_budget b
set next_at = greatest(b.next_at, asked.until), backs_off_until = greatest(b.backs_off_until, asked.until)
from (select promo.clock() + make_interval(secs => %(seconds)s) as until) asked
where b.receiver = %(receiver)s;

-- read_back_off --
-- What a receiver has asked for since a worker leased its tokens.
select /* fragment back_off */ from promo.rate_budget where receiver = %(receiver)s;

-- renew_slots --
-- A worker's share of the slots, computed anew. It gets what it wants and is free, up to its fair share and what others do
-- not want; when somebody has less than theirs it makes room, down to the slots in use. Killed workers fall out.
-- The row is locked before it is read: a statement that has waited for another worker's update reads a WITH query of the
-- updated row as it was before it, and would give the other's slots out again.
with budget as materialized (
  select receiver, slots, slots -> %(holder)s as mine from promo.rate_budget where receiver = %(receiver)s for update
), other as materialized (
  select e.key as holder, e.value as entry, (e.value ->> 'held')::integer as held, (e.value ->> 'wanted')::integer as wanted
  from budget cross join jsonb_each(budget.slots) e
  where e.key <> %(holder)s and (e.value ->> 'until')::float8 > extract(epoch from promo.clock())
), fair as (
  select coalesce(sum(held), 0) as held, coalesce(sum(wanted), 0) as wanted,
         %(concurrency)s / (count(*) + 1) as least, ceil(%(concurrency)s / (count(*) + 1.0)) as most
  from other
), mine as (
  select least(%(wanted)s, %(concurrency)s - fair.held,
           case when exists (select from other o where o.held < least(o.wanted, greatest(fair.least, 1)))
                     and coalesce((budget.mine ->> 'held')::integer, 0) > fair.least
                then fair.least
                else greatest(fair.most, %(concurrency)s - fair.wanted) end)::integer as share
  from fair cross join budget
), renewed as materialized (
  select jsonb_object_agg(holder, entry) as slots
  from (select holder, entry from other
        union all
        select %(holder)s, jsonb_build_object(
                 'share', share, 'held', greatest(share, %(in_use)s::integer), 'wanted', %(wanted)s::integer,
                 'until', extract(epoch from promo.clock() + make_interval(secs => %(hold_s)s)))
        from mine) entries
)
update promo.rate_budget b set slots = renewed.slots
from budget cross join renewed
where b.receiver = budget.receiver
returning (b.slots -> %(holder)s ->> 'share')::integer as share, /* fragment back_off */;

-- release_slots --
-- A worker has no more calls to make.
update promo.rate_budget set slots = slots - %(holder)s where receiver = %(receiver)s;
