-- What a row of a campaign costs: a function that is called for each row is made cheap, or is put in place by the planner.

-- part: locked --
-- As before, but four times as fast a call: the planner never puts this body in place, since it is volatile where the
-- function is stable, and an SQL function that is called has a query started for it.
create or replace function promo.clock() returns timestamptz
  language plpgsql stable parallel safe as $$
begin
  return clock_timestamp();
end $$;

-- What needs_code told. It returns a row, so that the planner puts the body in place of the call, which is made for
-- everybody in an audience; held_out, which it calls all the same, is called where somebody is held out only.
create function promo.code_needed(
  workflow text, hold_out numeric, channel text, reuses boolean, code_type text, discount smallint, days integer,
  a_contact bigint
) returns table (needed boolean)
  language sql stable
begin atomic
  select not (hold_out > 0 and promo.held_out(workflow, a_contact, hold_out))
    and exists (select from promo.contact_channel c
                where c.contact_id = a_contact and c.type = channel and c.unsubscribed_at is null)
    and not (reuses and exists (
      select from promo.code_to_reuse(a_contact, code_type, discount, promo.clock() + make_interval(days => days))));
end;
drop function promo.needs_code;

-- As before, but codes that were changed are counted by the moment they run out, which many share, before hours are made
-- of the moments; and the length of a code is looked at where it came to, not where it came from, too.
create or replace function promo.count_codes() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if tg_op = 'INSERT' then
    insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
    select type, discount, promo.stock_hour(expires_at),
           count(*) filter (where issued_at is null and not retired),
           count(*) filter (where issued_at is not null),
           count(*) filter (where issued_at is null and retired),
           max(promo.json_bytes(code))
    from added group by 1, 2, 3;
  else
    insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
    select type, discount, promo.stock_hour(expires_at), sum(free), sum(issued), sum(retired), max(longest)
    from (
      select type, discount, expires_at,
             -count(*) filter (where issued_at is null and not retired) as free,
             -count(*) filter (where issued_at is not null) as issued,
             -count(*) filter (where issued_at is null and retired) as retired,
             0 as longest
      from gone group by 1, 2, 3
      union all
      select type, discount, expires_at,
             count(*) filter (where issued_at is null and not retired),
             count(*) filter (where issued_at is not null),
             count(*) filter (where issued_at is null and retired),
             max(promo.json_bytes(code))
      from added group by 1, 2, 3
    ) changed
    group by 1, 2, 3
    having sum(free) <> 0 or sum(issued) <> 0 or sum(retired) <> 0;
  end if;
  return null;
end $$;
