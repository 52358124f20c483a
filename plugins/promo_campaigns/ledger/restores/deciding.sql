-- next_restored --
-- The next contacts of a run of whom a restore left open whether they were sent to.
select u.contact_id from promo.unknown_send u
where u.run_id = %(run_id)s and u.contact_id > %(after)s and exists (
  select from promo.attempt t
  where t.run_id = u.run_id and t.contact_id = u.contact_id and t.purpose = 'message' and t.lease_token < 0 and t.outcome is null)
order by u.contact_id limit %(limit)s;

-- lock_decision --
-- One decision at a time.
select restore_id from promo.store_restore where restore_id = %(restore_id)s for update;

-- refuse_restored --
-- Somebody says that these contacts were not sent to since: what a worker had begun before stays as it was.
update promo.attempt t
set outcome = 'refused', detail = %(detail)s, finished_at = promo.clock(), outcome_id = nextval('promo.attempt_attempt_id_seq')
where t.run_id = %(run_id)s and t.contact_id = any(%(contact_ids)s) and t.purpose = 'message' and t.lease_token < 0
  and t.outcome is null;

-- skip_restored --
-- Somebody says that those who wait were sent to, with codes that nobody knows: they are sent nothing more.
with decided as (
  update promo.assignment a set state = 'skipped', reason = 'sent before a restore'
  where a.run_id = %(run_id)s and a.state = 'pending'
  returning a.needs_code
), fewer as (
  /* fragment ledger.less_demand */
)
select count(*) as skipped from decided;

-- decide_run --
-- The run waits no more, and what was said of it stays.
update promo.restored_run set rest = %(rest)s, decided_at = promo.clock() where run_id = %(run_id)s and decided_at is null;

-- decide_rest --
-- What was said of all that the store has forgotten.
update promo.store_restore set rest = %(rest)s where restore_id = %(restore_id)s;

-- end_answered_events --
-- Events that runs which the store has forgotten answered, as receivers told: for each send the oldest of its contact.
with told as (
  select split_part(t.run_key, '/', 1) as workflow, t.contact_id, count(*) as sends from promo.restored_send t
  where not exists (select from promo.run r where r.run_key = t.run_key)
  group by 1, 2
), placed as (
  select event_id, workflow, contact_id, row_number() over (partition by workflow, contact_id order by event_id) as place
  from promo.event_queue where refused = 'restored'
)
update promo.event_queue q set refused = 'sent before a restore'
from placed join told using (workflow, contact_id)
where q.event_id = placed.event_id and q.workflow = placed.workflow and placed.place <= told.sends;

-- let_events_wait --
-- Events that were put off wait for their workflows again.
update promo.event_queue set taken_at = null, refused = null where refused = 'restored';

-- end_events --
-- Events that were put off were answered, somebody says.
update promo.event_queue set refused = 'sent before a restore' where refused = 'restored';

-- withdraw_free --
-- Codes that are free leave the pool for good: any of them may be somebody's.
update promo.promo_code set retired = true, seen_at = promo.clock() where not retired and issued_at is null;

-- decide_codes --
-- What was said of the codes that were free.
update promo.store_restore set free_codes = %(free_codes)s where restore_id = %(restore_id)s;

-- lift --
-- Once all is decided, nothing waits any more.
update promo.store_restore s set lifted_at = promo.clock()
where s.restore_id = %(restore_id)s and s.lifted_at is null and s.rest is not null and s.free_codes is not null
  and not exists (select from promo.restored_run x where x.restore_id = s.restore_id and x.decided_at is null);
