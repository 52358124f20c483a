-- Old runs leave the ledger for files. No row is read.

-- part: locked --
-- Runs are never deleted, and codes neither: foreign keys would check nothing that can fail.
create table promo.archive_file (
  archive_file_id bigint      generated always as identity primary key,
  kind            text        not null check (kind in ('assignments', 'attempts', 'audit')),
  run_id          bigint,
  first_id        bigint,
  last_id         bigint,
  path            text        check (path <> ''),
  begun_at        timestamptz not null default promo.clock(),
  verified_at     timestamptz,
  row_count       bigint,
  digest          bytea       check (octet_length(digest) = 32),
  constraint archive_file_of check (
    (kind = 'audit') = (run_id is null) and num_nonnulls(first_id, last_id) = case when kind = 'audit' then 2 else 0 end),
  constraint archive_file_verified check (
    (verified_at is null) = (row_count is null) and (digest is null or verified_at is not null)
    and (verified_at is null or (digest is null) = (path is null)))
);
comment on table promo.archive_file is 'A file of rows that the ledger holds no more, or is about to drop: noted before it is written, its content once it was read back. Append-only.';
comment on column promo.archive_file.path is 'Where it lies; null if the rows were dropped without a file.';
comment on column promo.archive_file.first_id is 'Of the audit: the first entry it holds.';
comment on column promo.archive_file.digest is 'SHA-256 of its rows, which does not depend on how the file is packed.';
create unique index archive_file_run on promo.archive_file (run_id, kind) where run_id is not null;
create index archive_file_audit on promo.archive_file (last_id) where kind = 'audit' and verified_at is not null;

create table promo.archived_code (
  promo_code_id bigint not null,
  run_id        bigint not null,
  sent_at       timestamptz,
  primary key (promo_code_id, run_id)
);
comment on table promo.archived_code is
  'Which code a run had given when its rows were dropped: the code stays its contact''s, and a shop may still tell of it.';
comment on column promo.archived_code.sent_at is 'When the first message with it was begun; null if none may have arrived.';
-- Each run is looked up by itself: in a join the planner may go through all runs.
create function promo.keep_unarchived() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if exists (
    select from (select distinct run_id from gone) g
    where (select r.archived_at from promo.run r where r.run_id = g.run_id) is null)
  then
    raise exception 'table %.% keeps evidence: a row goes only once its run is archived', tg_table_schema, tg_table_name
      using errcode = 'check_violation', constraint = 'attempt_append_only';
  end if;
  return null;
end $$;
create function promo.keep_unarchived_audit() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if exists (
    select from gone g
    where (select f.first_id <= g.audit_id from promo.archive_file f
           where f.kind = 'audit' and f.verified_at is not null and f.last_id >= g.audit_id
           order by f.last_id limit 1) is not true)
  then
    raise exception 'table %.% keeps evidence: an entry goes only once it is archived', tg_table_schema, tg_table_name
      using errcode = 'check_violation', constraint = 'attempt_append_only';
  end if;
  return null;
end $$;
-- What an account may do that may not delete: of an archived run, contacts go with all that was kept of them for it, and of the
-- audit entries that are archived. Which code each contact was given stays. The triggers refuse everything else.
create function promo.drop_archived_contacts(a_run bigint, after bigint, last bigint) returns bigint
  language sql security definer set search_path = pg_catalog, promo as $$
  with batch as materialized (
    select a.contact_id, a.promo_code_id from promo.assignment a
    where a.run_id = a_run and a.contact_id > after and a.contact_id <= last
  ), given as (
    insert into promo.archived_code (promo_code_id, run_id, sent_at)
    select b.promo_code_id, a_run, (
      select min(t.started_at) from promo.attempt t
      where t.run_id = a_run and t.contact_id = b.contact_id and t.promo_code_id = b.promo_code_id
        and t.purpose = 'message' and t.outcome is distinct from 'refused')
    from batch b where b.promo_code_id is not null
  ), attempts as (
    delete from promo.attempt t where t.run_id = a_run and t.contact_id > after and t.contact_id <= last
  ), answers as (
    delete from promo.answer w where w.run_id = a_run and w.contact_id > after and w.contact_id <= last
  ), told as (
    delete from promo.audience_value v where v.run_id = a_run and v.contact_id > after and v.contact_id <= last
  ), firsts as (
    delete from promo.first_share f where f.run_id = a_run and f.contact_id > after and f.contact_id <= last
  ), matched as (
    delete from promo.match_value m where m.run_id = a_run and m.contact_id > after and m.contact_id <= last
  ), gone as (
    delete from promo.assignment a where a.run_id = a_run and a.contact_id > after and a.contact_id <= last
    returning a.contact_id
  )
  select count(*) from gone
$$;
revoke execute on function promo.drop_archived_contacts from public;
create function promo.drop_archived_entries(first bigint, last bigint) returns bigint
  language sql security definer set search_path = pg_catalog, promo as $$
  with gone as (delete from promo.audit a where a.audit_id between first and last returning a.audit_id)
  select count(*) from gone
$$;
revoke execute on function promo.drop_archived_entries from public;
create trigger archive_file_kept before delete or truncate on promo.archive_file
  for each statement execute function promo.keep_evidence();
create trigger archive_file_recorded_once before update on promo.archive_file
  for each row when (
    old.verified_at is not null
    or (old.archive_file_id, old.kind, old.run_id, old.first_id, old.last_id, old.begun_at)
       is distinct from (new.archive_file_id, new.kind, new.run_id, new.first_id, new.last_id, new.begun_at))
  execute function promo.keep_evidence();
create trigger archived_code_kept before delete or update or truncate on promo.archived_code
  for each statement execute function promo.keep_evidence();

-- part: locked on promo.run --
alter table promo.run add column archived_at timestamptz;
alter table promo.run add column dropped_at timestamptz;
alter table promo.run add constraint run_archived check (
  (archived_at is null or closed_at is not null) and (dropped_at is null or archived_at is not null)) not valid;
comment on column promo.run.archived_at is
  'When its files were read back and agreed: from then on its contacts and attempts go, and it is never opened again.';
comment on column promo.run.dropped_at is 'When the last of its contacts and attempts had gone; its counts stay.';
-- Nothing is dropped that is not archived: as many rows were read back as there are. A run is archived once, and stays closed.
create function promo.check_archived() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if old.archived_at is null and new.archived_at is not null and new.dropped_at is null
     and not exists (select from promo.unknown_send u where u.run_id = new.run_id)
     and exists (
       select from promo.archive_file f
       where f.run_id = new.run_id and f.kind = 'assignments' and f.verified_at is not null and (f.path is null or f.row_count = (
         select count(*) from promo.assignment a where a.run_id = new.run_id)))
     and exists (
       select from promo.archive_file f
       where f.run_id = new.run_id and f.kind = 'attempts' and f.verified_at is not null and (f.path is null or f.row_count = (
         select count(*) from promo.attempt t where t.run_id = new.run_id)))
  then
    return new;
  end if;
  if old.archived_at = new.archived_at and old.closed_at = new.closed_at and old.dropped_at is null
     and not exists (select from promo.assignment a where a.run_id = new.run_id)
     and not exists (select from promo.attempt t where t.run_id = new.run_id)
  then
    return new;
  end if;
  raise exception 'run % may not be archived, dropped or opened now: its files were not read back, it is not empty, or it is archived',
    old.run_id using errcode = 'check_violation', constraint = 'run_archived_once';
end $$;
create trigger run_archived_once before update of closed_at, archived_at, dropped_at on promo.run
  for each row when (
    (old.archived_at, old.dropped_at) is distinct from (new.archived_at, new.dropped_at)
    or (old.archived_at is not null and old.closed_at is distinct from new.closed_at))
  execute function promo.check_archived();

-- part: online --
alter table promo.run validate constraint run_archived;

-- part: online --
create index concurrently run_to_archive on promo.run (closed_at, run_id) where closed_at is not null and archived_at is null;

-- part: online --
create index concurrently run_to_drop on promo.run (run_id) where archived_at is not null and dropped_at is null;

-- part: online --
create index concurrently run_cap_window on promo.run (channel, cap_window) where cap_window is not null;

-- part: locked on promo.assignment --
drop trigger assignment_kept on promo.assignment;
create trigger assignment_kept before truncate on promo.assignment
  for each statement execute function promo.keep_evidence();
create trigger assignment_archived after delete on promo.assignment
  referencing old table as gone for each statement execute function promo.keep_unarchived();

-- part: locked on promo.attempt --
drop trigger attempt_kept on promo.attempt;
create trigger attempt_kept before truncate on promo.attempt
  for each statement execute function promo.keep_evidence();
create trigger attempt_archived after delete on promo.attempt
  referencing old table as gone for each statement execute function promo.keep_unarchived();

-- part: locked on promo.audit --
drop trigger audit_kept on promo.audit;
create trigger audit_kept before truncate on promo.audit
  for each statement execute function promo.keep_evidence();
create trigger audit_archived after delete on promo.audit
  referencing old table as gone for each statement execute function promo.keep_unarchived_audit();
alter table promo.audit drop constraint audit_action_check;
alter table promo.audit add constraint audit_action_check check (action in (
  'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending', 'run again', 'trigger', 'test send',
  'accept unknown', 'refuse unknown', 'resend unknown', 'reveal', 'find code', 'upload', 'withdraw', 'check',
  'mode missing', 'mode profiles', 'mode refuse', 'approve', 'reject', 'close channel', 'reopen channel',
  'restored', 'reconcile', 'decide', 'archive', 'drop')) not valid;

-- part: online --
alter table promo.audit validate constraint audit_action_check;
