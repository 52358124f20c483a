-- Order is kept by ids in place of clocks, which may step back; and what was counted under the pool's lock is kept.

-- part: locked on promo.attempt --
alter table promo.attempt add column outcome_id bigint;
comment on column promo.attempt.outcome_id is
  'Drawn from the sequence of attempt_id when the outcome was written: what has a smaller id came before. Null in attempts
that are older than the column.';

-- part: locked on promo.assignment --
alter table promo.assignment
  add column claim_id bigint,
  add column needs_code boolean not null default false;
comment on column promo.assignment.claim_id is
  'Drawn from the sequence of attempt_id before the contact''s messages were counted for the run''s cap, and the code claimed.';
comment on column promo.assignment.needs_code is
  'Whether the run counts on a code of the pool for this contact while it is pending: it could be reached, is not held out,
and is not given again what it holds.';

-- part: locked --
-- The stock -----------------------------------------------------------------------------------------------------------

-- Codes that run out within one hour are counted together.
create function promo.stock_hour(expires_at timestamptz) returns timestamptz
  language sql immutable strict parallel safe
  return date_bin(interval '1 hour', expires_at, timestamptz 'epoch');

-- How long a code is at most in an XCom: as JSON in ASCII, with its quotation marks.
create function promo.json_bytes(code text) returns integer
  language sql immutable strict parallel safe
  return case when octet_length(code) = length(code) then octet_length(to_json(code)::text) else 12 * length(code) + 2 end;

create table promo.code_stock (
  type     text        not null,
  discount smallint    not null,
  hour     timestamptz not null,
  free     bigint      not null,
  issued   bigint      not null,
  retired  bigint      not null,
  longest  integer     not null
);
comment on table promo.code_stock is
  'How many codes there are of a pool, by the hour in which they run out: the sum of its rows. Whoever changes codes adds
a row, so that nobody waits for anybody; compact_stock makes one row of many.';
comment on column promo.code_stock.free is 'Neither issued nor retired; those whose time has passed are among them.';
comment on column promo.code_stock.retired is 'Retired and not issued.';
comment on column promo.code_stock.longest is 'Bytes of the longest code in an XCom, of all that there ever were.';
create index code_stock_pool on promo.code_stock (type, discount, hour);

create function promo.count_codes() returns trigger
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
    select type, discount, promo.stock_hour(expires_at),
           coalesce(sum(change) filter (where issued_at is null and not retired), 0),
           coalesce(sum(change) filter (where issued_at is not null), 0),
           coalesce(sum(change) filter (where issued_at is null and retired), 0),
           -- A code keeps its length; it may come into another pool.
           max(promo.json_bytes(code))
    from (
      select type, discount, expires_at, issued_at, retired, code, -1 as change from gone
      union all
      select type, discount, expires_at, issued_at, retired, code, 1 from added
    ) changed
    group by 1, 2, 3
    having sum(change) filter (where issued_at is null and not retired) <> 0
        or sum(change) filter (where issued_at is not null) <> 0
        or sum(change) filter (where issued_at is null and retired) <> 0;
  end if;
  return null;
end $$;

-- part: locked on promo.promo_code --
create trigger promo_code_added after insert on promo.promo_code
  referencing new table as added for each statement execute function promo.count_codes();
create trigger promo_code_changed after update on promo.promo_code
  referencing old table as gone new table as added for each statement execute function promo.count_codes();

-- part: online --
-- What is missing of what there is, in one view of the store: changes since the triggers are in both, and cancel out.
insert into promo.code_stock (type, discount, hour, free, issued, retired, longest)
select type, discount, hour, sum(free), sum(issued), sum(retired), max(longest)
from (
  select type, discount, promo.stock_hour(expires_at) as hour, max(promo.json_bytes(code)) as longest,
         count(*) filter (where issued_at is null and not retired) as free,
         count(*) filter (where issued_at is not null) as issued,
         count(*) filter (where issued_at is null and retired) as retired
  from promo.promo_code group by 1, 2, 3
  union all
  select type, discount, hour, longest, -free, -issued, -retired from promo.code_stock
) counted
group by type, discount, hour
having sum(free) <> 0 or sum(issued) <> 0 or sum(retired) <> 0;

-- part: locked --
-- The free codes of a pool that run out at this time or after it. Whole hours are kept; of the first, which is cut, the
-- codes themselves are counted. It returns a row, so that the planner puts the body in place of the call.
create function promo.free_codes(a_type text, a_discount smallint, valid_until timestamptz) returns table (codes bigint)
  language sql stable
begin atomic
  select (select coalesce(sum(s.free), 0)::bigint from promo.code_stock s
          where s.type = a_type and s.discount = a_discount and s.hour > promo.stock_hour(valid_until))
       + (select count(*) from promo.promo_code p
          where p.type = a_type and p.discount = a_discount and not p.retired and p.issued_at is null
            and p.expires_at >= valid_until and p.expires_at < promo.stock_hour(valid_until) + interval '1 hour');
end;


-- The demand ----------------------------------------------------------------------------------------------------------

-- Whether a code of the pool must be taken for a contact that is in a run's audience.
create function promo.needs_code(
  workflow text, hold_out numeric, channel text, reuses boolean, code_type text, discount smallint, days integer,
  a_contact bigint
) returns boolean
  language sql stable
  return not promo.held_out(workflow, a_contact, hold_out)
    and exists (select from promo.contact_channel c
                where c.contact_id = a_contact and c.type = channel and c.unsubscribed_at is null)
    and not (reuses and exists (
      select from promo.code_to_reuse(a_contact, code_type, discount, promo.clock() + make_interval(days => days))));

create table promo.code_demand (
  run_id bigint not null,
  codes  bigint not null
);
comment on table promo.code_demand is
  'How many codes a run that is open has still to claim: the sum of its rows, and the count of its pending contacts that
need a code. Whoever claims adds a row, so that nobody waits for anybody; a run that is closed has none.';
create index code_demand_run on promo.code_demand (run_id);

-- part: online --
create index concurrently run_open_pool on promo.run (code_type, discount) where closed_at is null;

-- part: batches of promo.run by run_id --
update promo.assignment a set needs_code = true
from promo.run r
where r.run_id > %(low)s and r.run_id <= %(high)s and r.closed_at is null
  and a.run_id = r.run_id and a.state = 'pending' and not a.needs_code
  and promo.needs_code(r.workflow, r.hold_out, r.channel, r.reuses, r.code_type, r.discount, r.days, a.contact_id);

-- part: batches of promo.run by run_id --
-- What is missing of what there is, in one view of the store: what a worker claims meanwhile is in both, and cancels out.
insert into promo.code_demand (run_id, codes)
select r.run_id, waiting.codes - kept.codes
from promo.run r
cross join lateral (
  select count(*) as codes from promo.assignment a
  where a.run_id = r.run_id and a.state = 'pending' and a.needs_code) waiting
cross join lateral (
  select coalesce(sum(d.codes), 0) as codes from promo.code_demand d where d.run_id = r.run_id) kept
where r.run_id > %(low)s and r.run_id <= %(high)s and r.closed_at is null and waiting.codes <> kept.codes;
