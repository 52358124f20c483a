-- Runs can be halted, count their contacts, and pause themselves. Runs that are older than the counts are counted as before.

-- part: locked --
create table promo.sending_stop (
  one        boolean     primary key default true check (one),
  stopped_at timestamptz not null default promo.clock(),
  stopped_by text        not null,
  reason     text
);
comment on table promo.sending_stop is 'Its row is there while all sending is stopped: nobody is given a code or sent to, in whatever run.';

create table promo.run_count (
  run_id     bigint      not null,
  counted_at timestamptz not null default promo.clock(),
  pending    bigint      not null,
  skipped    bigint      not null,
  assigned   bigint      not null,
  sending    bigint      not null,
  accepted   bigint      not null,
  rejected   bigint      not null,
  unknown    bigint      not null,
  recorded   bigint      not null,
  expired    bigint      not null
);
comment on table promo.run_count is
  'How many assignments of a run are in each state: the sum of its rows, the newest of which says when something last
moved. A trigger adds a row for each statement that changes states; closing makes one row of many.';
create index run_count_run on promo.run_count (run_id);

create function promo.count_assignments() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if tg_op = 'INSERT' then
    insert into promo.run_count
      (run_id, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
    select run_id, coalesce(sum(n) filter (where state = 'pending'), 0), coalesce(sum(n) filter (where state = 'skipped'), 0),
           coalesce(sum(n) filter (where state = 'assigned'), 0), coalesce(sum(n) filter (where state = 'sending'), 0),
           coalesce(sum(n) filter (where state = 'accepted'), 0), coalesce(sum(n) filter (where state = 'rejected'), 0),
           coalesce(sum(n) filter (where state = 'unknown'), 0), coalesce(sum(n) filter (where state = 'recorded'), 0),
           coalesce(sum(n) filter (where state = 'expired'), 0)
    from (select run_id, state, count(*) as n from added group by 1, 2) changed
    group by run_id;
  else
    insert into promo.run_count
      (run_id, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
    select run_id, coalesce(sum(n) filter (where state = 'pending'), 0), coalesce(sum(n) filter (where state = 'skipped'), 0),
           coalesce(sum(n) filter (where state = 'assigned'), 0), coalesce(sum(n) filter (where state = 'sending'), 0),
           coalesce(sum(n) filter (where state = 'accepted'), 0), coalesce(sum(n) filter (where state = 'rejected'), 0),
           coalesce(sum(n) filter (where state = 'unknown'), 0), coalesce(sum(n) filter (where state = 'recorded'), 0),
           coalesce(sum(n) filter (where state = 'expired'), 0)
    from (
      select run_id, state, sum(n) as n
      from (
        select run_id, state, -count(*) as n from gone group by 1, 2
        union all
        select run_id, state, count(*) from added group by 1, 2
      ) both_sides
      group by 1, 2 having sum(n) <> 0
    ) changed
    group by run_id;
  end if;
  return null;
end $$;

-- part: locked on promo.audit --
alter table promo.audit
  add column reason text,
  drop constraint audit_action_check,
  add constraint audit_action_check check (action in (
    'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending')) not valid;
comment on table promo.audit is 'Who exported codes, erased a contact or held sending up: written before it begins, and settled once. Append-only.';
drop trigger audit_settled_once on promo.audit;
create trigger audit_settled_once before update on promo.audit
  for each row when (
    old.finished_at is not null
    or (old.audit_id, old.begun_at, old.revealed, old.action, old.subject, old.actor, old.reason)
       is distinct from (new.audit_id, new.begun_at, new.revealed, new.action, new.subject, new.actor, new.reason))
  execute function promo.keep_evidence();

-- part: online --
alter table promo.audit validate constraint audit_action_check;

-- part: locked on promo.run, promo.assignment --
alter table promo.run
  add column halt text,
  add column halted_at timestamptz,
  add column halted_by text,
  add column halt_reason text,
  add column counted boolean not null default false,
  add column abort_at numeric(5, 2),
  add column spared_sent bigint not null default 0,
  add column spared_failed bigint not null default 0,
  add constraint run_halt check (halt in ('paused', 'cancelled')) not valid,
  add constraint run_halted_whole check (
    num_nonnulls(halt, halted_at, halted_by) in (0, 3) and (halt_reason is null or halt is not null)) not valid,
  add constraint run_abort_at check (abort_at > 0 and abort_at <= 100) not valid;
alter table promo.run alter column counted set default true;
comment on column promo.run.halt is
  'paused: nobody new is given a code or sent to for now; cancelled: nor later, unless a person lifts it. Set under the lock
that halt_of shares, so that no intent is committed once it is set.';
comment on column promo.run.halted_by is 'Who paused or cancelled it: a person''s account, or abort_at, the run itself.';
comment on column promo.run.counted is 'Whether run_count knows all its assignments; not of a run that is older than the counts.';
comment on column promo.run.abort_at is 'The run pauses itself once more than so many percent were refused or are unknown; null for never.';
comment on column promo.run.spared_sent is 'How many were sent to when a person let it go on: they count no more towards abort_at.';
comment on column promo.run.spared_failed is 'Of them, how many were refused or are unknown.';
drop trigger assignment_transition on promo.assignment;
create trigger assignment_transition before update of state on promo.assignment
  for each row when (old.state is distinct from new.state and (old.state, new.state) not in (
    ('assigned', 'sending'), ('sending', 'accepted'), ('accepted', 'recorded'), ('pending', 'assigned'),
    ('pending', 'skipped'), ('sending', 'assigned'), ('sending', 'rejected'), ('sending', 'unknown'),
    ('unknown', 'sending'), ('unknown', 'accepted'), ('unknown', 'rejected'), ('unknown', 'assigned'),
    ('pending', 'expired'), ('assigned', 'expired'), ('assigned', 'pending'), ('assigned', 'unknown'),
    ('assigned', 'skipped'),
    ('skipped', 'pending'), ('rejected', 'pending'), ('expired', 'pending')))
  execute function promo.check_assignment_transition();
create trigger assignment_added after insert on promo.assignment
  referencing new table as added for each statement execute function promo.count_assignments();
create trigger assignment_changed after update on promo.assignment
  referencing old table as gone new table as added for each statement execute function promo.count_assignments();

-- part: online --
alter table promo.run validate constraint run_halt;

-- part: online --
alter table promo.run validate constraint run_halted_whole;

-- part: online --
alter table promo.run validate constraint run_abort_at;

-- part: online --
create index concurrently run_of_workflow on promo.run (workflow, run_id);

-- part: online --
create index concurrently run_halted on promo.run (run_id) where halt is not null;

-- part: online --
create index concurrently run_key_start on promo.run (run_key collate "C");

-- part: locked --
-- Where a run stands, in the words of model/oversight/run_line.py.
create function promo.run_state(halt text, closed_at timestamptz, approval text) returns text
  language sql immutable parallel safe
  return case when halt = 'cancelled' then halt when closed_at is not null then 'closed' when halt is not null then halt
              when approval = 'awaited' then 'awaiting' else 'open' end;

-- Why nobody of a run may be given a code or sent to just now; no row if they may. It shares two locks until the
-- transaction ends, which whoever halts a run or stops all sending takes alone: so every intent is either committed before
-- a halt is, or is not made. The locks are taken in memory. They come first, in statements of their own: what is read
-- after them was committed before them.
create function promo.halt_of(a_run bigint)
  returns table (run_key text, kind text, at timestamptz, by text, reason text)
  language plpgsql rows 1 set search_path = pg_catalog, promo as $$
begin
  perform pg_advisory_xact_lock_shared(1347571534, 0);
  perform pg_advisory_xact_lock_shared(1347571535, (a_run % 2147483648)::integer);
  return query
    select r.run_key, coalesce(r.halt, 'stopped'), coalesce(r.halted_at, s.stopped_at), coalesce(r.halted_by, s.stopped_by),
           case when r.halt is null then s.reason else r.halt_reason end
    from promo.run r left join promo.sending_stop s on true
    where r.run_id = a_run and (r.halt is not null or s.stopped_at is not null);
end $$;

-- Keeps intents of a run from being committed until the transaction ends, and waits for those under way; of all runs for
-- null.
create function promo.hold_intents(a_run bigint) returns void
  language sql set search_path = pg_catalog, promo
  return case when a_run is null then pg_advisory_xact_lock(1347571534, 0)
              else pg_advisory_xact_lock(1347571535, (a_run % 2147483648)::integer) end;
