-- know_receiver --
-- Makes sure that there is a row to lock.
insert into promo.receiver (name) values (%(name)s) on conflict (name) do nothing;

-- admit --
-- May a worker call? Yes while the breaker is closed; no while it is open; then one worker at a time probes. A receiver
-- that is at fault has a breaker that is open for ever, until a call shows that somebody has corrected it.
with before as materialized (
  select name, open_until, probe_until, reason from promo.receiver where name = %(name)s for update
), probing as (
  update promo.receiver r set probe_until = promo.clock() + make_interval(secs => %(probe_s)s)
  from before b
  where r.name = b.name and b.open_until <= promo.clock() and coalesce(b.probe_until, b.open_until) <= promo.clock()
  returning r.probe_until
)
select b.open_until is null as closed, case when b.open_until = 'infinity' then coalesce(b.reason, 'refused') end as at_fault,
       (select probe_until from probing) as probe_until,
       greatest(0, extract(epoch from greatest(nullif(b.open_until, 'infinity'), b.probe_until) - promo.clock()))::float8
         as wait_s
from before b;

-- give_probe_back --
-- No contact could be called for: another worker may probe at once.
update promo.receiver set probe_until = null where name = %(name)s and probe_until = %(probe_until)s;

-- report_calls --
-- What calls came to: any success closes the breaker; enough failures in a row, a share of them, or one while it is
-- open, open it anew: for a while, or for ever where no waiting helps.
update promo.receiver
set failures = case when %(opens)s then failures + %(failed)s when %(succeeded)s > 0 then 0 else failures + %(failed)s end,
    open_until = case
      when %(for_good)s then 'infinity'::timestamptz
      when %(opens)s or (%(succeeded)s = 0 and %(failed)s > 0
                         and (open_until is not null or failures + %(failed)s >= %(limit)s))
        then promo.clock() + make_interval(secs => %(cool_s)s)
      when %(succeeded)s > 0 then null
      else open_until end,
    probe_until = case when %(succeeded)s > 0 or %(failed)s > 0 then null else probe_until end,
    reason = case when %(succeeded)s > 0 and not %(opens)s then null else nullif(%(reason)s, '') end
where name = %(name)s and (%(succeeded)s > 0 or %(failed)s > 0)
returning open_until is not null as open;
