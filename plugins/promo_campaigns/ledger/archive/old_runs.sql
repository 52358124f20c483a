-- lock_archive --
-- One archiver works at a time; held until the transaction ends.
select pg_try_advisory_xact_lock(hashtextextended('promo archive', 0)) as is_ours;

-- list_due --
-- The next runs that were closed so many days ago, those closed first before the others, and why a run has to wait: receivers may
-- still tell of sends that a restored store forgot, a frequency cap may count its messages, a send is of unknown outcome, or its
-- contacts may be given their codes again.
select d.run_id, d.run_key, d.closed_at, counted.contacts,
       case when exists (select from promo.store_restore t where t.lifted_at is null) then 'waits until a restore is decided'
            when d.closed_at > promo.clock() - interval '1 hour' - coalesce(capped.longest, interval '0') then 'counts for a frequency cap'
            when (
              select u.contact_id from promo.unknown_send u where u.run_id = d.run_id
              order by u.run_id, u.contact_id limit 1) is not null then 'has sends of unknown outcome'
            when exists (
              select from promo.assignment a
              cross join lateral (
                select p.expires_at from promo.promo_code p where p.promo_code_id = a.promo_code_id and not p.retired offset 0) held
              where a.run_id = d.run_id and held.expires_at >= promo.clock()) then 'gave codes that are still valid' end as waits
from (
  select r.run_id, r.run_key, r.closed_at, r.channel from promo.run r
  where r.closed_at is not null and r.archived_at is null and r.counted
    and r.closed_at < promo.clock() - make_interval(days => %(days)s)
    and (r.closed_at, r.run_id) > (%(after)s::timestamptz, %(after_id)s::bigint)
  order by r.closed_at, r.run_id limit %(limit)s
) d
cross join lateral (
  select coalesce(sum(k.pending + k.skipped + k.assigned + k.sending + k.accepted + k.rejected + k.unknown + k.recorded + k.expired), 0)::bigint
    as contacts
  from promo.run_count k where k.run_id = d.run_id) counted
left join lateral (
  select c.cap_window as longest from promo.run c where c.channel = d.channel and c.cap_window is not null
  order by c.channel desc, c.cap_window desc limit 1) capped on true
order by d.closed_at, d.run_id;

-- list_undropped --
-- Runs whose rows are to go: their files were read back.
select run_id, run_key from promo.run where archived_at is not null and dropped_at is null order by run_id;

-- lock_run --
-- Keeps a run closed until the transaction ends; no row if it is open again, or archived.
select closed_at, pool_types is not null as is_chained from promo.run
where run_id = %(run_id)s and closed_at = %(closed_at)s and archived_at is null for no key update;

-- count_leased --
-- For how many contacts of the run somebody is at work: a closed run's profiles are repaired.
select count(*) as contacts from promo.assignment where run_id = %(run_id)s and lease_until > promo.clock();

-- note_file --
-- Where a file of the run will lie, before it is written; it keeps its name in a folder if its writer is killed.
insert into promo.archive_file as known (kind, run_id, path)
values (%(kind)s, %(run_id)s, %(folder)s || %(name)s)
on conflict (run_id, kind) where run_id is not null do update
  set path = case when starts_with(known.path, %(folder)s) then known.path else excluded.path end
  where known.verified_at is null
returning path;

-- read_assignments --
-- Who was in the run, and which code each was given: by ids, without any word of a profile.
select a.contact_id, a.promo_code_id, a.state::text as state, a.reason, a.resend_counter, a.reused_at,
       (f.contact_id is not null)::integer as first_share
from promo.assignment a left join promo.first_share f on f.run_id = a.run_id and f.contact_id = a.contact_id
where a.run_id = %(run_id)s order by a.contact_id;

-- read_attempts --
-- Every call that was made for the run's contacts.
select attempt_id, contact_id, promo_code_id, purpose, source, shows_code::integer as shows_code, outcome, detail, started_at, finished_at
from promo.attempt where run_id = %(run_id)s order by contact_id, purpose, lease_token;

-- keep_file --
-- A file of the run was read back, and holds what was written; without a path, its rows are to go without one.
update promo.archive_file set path = %(path)s, row_count = %(rows)s, digest = %(digest)s, verified_at = promo.clock()
where run_id = %(run_id)s and kind = %(kind)s;

-- mark_archived --
-- From now on the run's rows may go.
update promo.run set archived_at = promo.clock() where run_id = %(run_id)s;

-- next_contacts --
-- The last of the run's next contacts; null if there are no more.
select max(contact_id) as last from (
  select contact_id from promo.assignment where run_id = %(run_id)s and contact_id > %(after)s order by contact_id limit %(limit)s
) batch;

-- drop_contacts --
-- Contacts of an archived run go, with all that was kept of them for it. Which code each was given stays.
select promo.drop_archived_contacts(%(run_id)s, %(after)s, %(last)s) as contacts;

-- finish_drop --
-- Nothing of the run is left but its counts, and which codes it gave.
update promo.run set dropped_at = promo.clock() where run_id = %(run_id)s and dropped_at is null;

-- files_of_runs --
-- Which of some runs are archived, and where who got which code lies.
select r.run_key, r.archived_at, f.path
from promo.run r join promo.archive_file f on f.run_id = r.run_id and f.kind = 'assignments'
where r.run_id = any(%(run_ids)s) and r.archived_at is not null order by r.run_id;
