-- read_halt --
-- Why nobody of the run may be given a code or sent to; a halt waits until this transaction ends.
select kind, run_key, at, by, reason from promo.halt_of(%(run_id)s);

-- hold_intents --
-- Waits for intents of the run that are under way, and lets no other begin until this transaction ends; of all runs for null.
select promo.hold_intents(%(run_id)s);

-- halt_run --
-- Pauses or cancels a run that is open; what was said before of one that is halted likewise, or cancelled, stands.
update promo.run
set halt = %(halt)s, halted_at = promo.clock(), halted_by = %(by)s, halt_reason = %(reason)s
where run_id = %(run_id)s and closed_at is null and halt is distinct from 'cancelled' and halt is distinct from %(halt)s
returning run_id;

-- pause_failing --
-- Pauses the run once more than its share were refused or are unknown, of a hundred at least that were sent to since a person
-- let it go on.
update promo.run r
set halt = 'paused', halted_at = promo.clock(), halted_by = 'abort_at',
    halt_reason = format('%%s of %%s were refused or are unknown, more than %%s %%%%', c.failed, c.sent, trim_scale(r.abort_at))
from (
  select sum(rejected + unknown) - max(o.spared_failed) as failed,
         sum(accepted + recorded + rejected + unknown) - max(o.spared_sent) as sent
  from promo.run_count k join promo.run o using (run_id) where run_id = %(run_id)s) c
where r.run_id = %(run_id)s and r.halt is null and r.closed_at is null and c.sent >= 100
  and c.failed * 100 > r.abort_at * c.sent;

-- lift_halt --
-- Lets a run go on, beyond its first share too if it has paused itself over that. What was refused or is unknown until now
-- does not pause it again.
update promo.run r
set let_go_at = case when r.first_sent is null then r.let_go_at else coalesce(r.let_go_at, promo.clock()) end,
    halt = null, halted_at = null, halted_by = null, halt_reason = null,
    spared_sent = c.sent, spared_failed = c.failed
from (
  select coalesce(sum(rejected + unknown), 0) as failed,
         coalesce(sum(accepted + recorded + rejected + unknown), 0) as sent
  from promo.run_count where run_id = %(run_id)s) c
where r.run_id = %(run_id)s and r.halt is not null
returning r.run_id;

-- next_in_flight --
-- The next contacts of the run who have no outcome yet, in order.
select contact_id from promo.assignment
where run_id = %(run_id)s and contact_id > %(after)s and state in ('pending', 'assigned', 'sending')
order by contact_id limit %(limit)s;

-- stop_sending --
-- Stops all sending, and returns what was said first, which stands. Its row is written anew, so that nobody lets runs send
-- again before this transaction ends.
insert into promo.sending_stop as s (stopped_by, reason) values (%(by)s, %(reason)s)
on conflict (one) do update set stopped_by = s.stopped_by
returning 'stopped' as kind, '' as run_key, s.stopped_at as at, s.stopped_by as by, s.reason;

-- start_sending --
-- Lets runs send again.
delete from promo.sending_stop returning one;

-- read_stop --
-- Whether all sending is stopped, since when, by whom and why.
select 'stopped' as kind, '' as run_key, stopped_at as at, stopped_by as by, reason from promo.sending_stop;
