-- A store that was brought back to an earlier moment says so, and waits until what it has forgotten is decided.

-- part: locked on promo.run --
-- A store that was brought back to an earlier moment ------------------------------------------------------------------
-- Only its owner writes here: what waits for a decision is let go by a decision, and by nothing else.

create table promo.store_restore (
  restore_id  bigint      generated always as identity primary key,
  restored_to timestamptz not null,
  said_at     timestamptz not null default promo.clock(),
  said_by     text        not null,
  reason      text,
  claim_id    bigint      not null,
  free_codes  text        check (free_codes in ('withdraw', 'release')),
  rest        text        check (rest in ('sent', 'unsent')),
  lifted_at   timestamptz,
  constraint store_restore_lifted check (lifted_at is null or num_nonnulls(free_codes, rest) = 2)
);
comment on table promo.store_restore is 'Each time that the store was brought back from a backup: what was sent after that moment is forgotten, and waits for a decision.';
comment on column promo.store_restore.claim_id is
  'Drawn from the sequence of attempt_id when it was said: codes that a receiver tells of were claimed before whatever came later.';
comment on column promo.store_restore.free_codes is 'What became of the codes that were free; nothing is sent until it is said.';
comment on column promo.store_restore.rest is 'What is taken of all that no receiver told of: it was sent, or it was not.';
comment on column promo.store_restore.lifted_at is 'When all was decided.';
create unique index store_restore_open on promo.store_restore ((lifted_at is null)) where lifted_at is null;

create table promo.restored_run (
  run_id     bigint primary key references promo.run,
  restore_id bigint not null references promo.store_restore,
  rest       text   check (rest in ('sent', 'unsent')),
  decided_at  timestamptz,
  constraint restored_run_decided check ((rest is null) = (decided_at is null))
);
comment on table promo.restored_run is 'A run that was open when the store was restored: nobody of it is given a code or sent to until it is decided.';
comment on column promo.restored_run.rest is 'What was said of those of whom no receiver told: they were sent to, or not.';
create index restored_run_waiting on promo.restored_run (restore_id) where decided_at is null;

create table promo.restored_send (
  run_key       text    not null,
  contact_id    bigint  not null,
  promo_code_id bigint,
  restore_id    bigint  not null references promo.store_restore,
  sent_at       timestamptz,
  accepted      boolean not null,
  primary key (run_key, contact_id)
);
comment on table promo.restored_send is
  'What receivers and exports told of sends that a restored store has forgotten, also of runs that it does not know: one that is opened
later begins with it.';
comment on column promo.restored_send.promo_code_id is 'The code that was sent; null for the fallback code of the run.';
comment on column promo.restored_send.accepted is 'Whether a receiver took the message; else the contact had the code, and nobody knows more.';

-- part: locked --
-- Where a run stands, also one that waits for the decision of a restore, whatever was said of it before.
create function promo.run_stands(a_run bigint, halt text, closed_at timestamptz, approval text) returns text
  language sql stable parallel safe
  return case when closed_at is null
                and exists (select from promo.restored_run x where x.run_id = a_run and x.decided_at is null) then 'restored'
              else promo.run_state(halt, closed_at, approval) end;

-- Why nobody of a run may be given a code or sent to just now; no row if they may. It shares two locks until the
-- transaction ends, which a halt of a run or of all sending takes alone: so every intent is either committed before
-- a halt is, or is not made. The locks are taken in memory. They come first, in statements of their own: what is read
-- after them was committed before them. A restore that is not decided comes before what anybody said.
create or replace function promo.halt_of(a_run bigint)
  returns table (run_key text, kind text, at timestamptz, by text, reason text)
  language plpgsql rows 1 set search_path = pg_catalog, promo as $$
begin
  perform pg_advisory_xact_lock_shared(1347571534, 0);
  perform pg_advisory_xact_lock_shared(1347571535, (a_run % 2147483648)::integer);
  return query
    select r.run_key,
           case when o.restore_id is not null then 'restored' else coalesce(r.halt, 'stopped') end,
           coalesce(o.said_at, r.halted_at, s.stopped_at), coalesce(o.said_by, r.halted_by, s.stopped_by),
           case when o.restore_id is not null then o.reason when r.halt is null then s.reason else r.halt_reason end
    from promo.run r left join promo.sending_stop s on true
    left join lateral (
      select t.restore_id, t.said_at, t.said_by, t.reason from promo.store_restore t
      where t.lifted_at is null and (t.free_codes is null or exists (
        select from promo.restored_run x where x.run_id = r.run_id and x.decided_at is null))) o on true
    where r.run_id = a_run and (r.halt is not null or s.stopped_at is not null or o.restore_id is not null);
end $$;

-- part: online --
create index concurrently event_queue_restored on promo.event_queue (event_id) where refused = 'restored';

-- part: locked on promo.audit --
alter table promo.audit drop constraint audit_action_check;
alter table promo.audit add constraint audit_action_check check (action in (
  'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending', 'run again', 'trigger', 'test send',
  'accept unknown', 'refuse unknown', 'resend unknown', 'reveal', 'find code', 'upload', 'withdraw', 'check',
  'mode missing', 'mode profiles', 'mode refuse', 'approve', 'reject', 'close channel', 'reopen channel',
  'restored', 'reconcile', 'decide')) not valid;

-- part: online --
alter table promo.audit validate constraint audit_action_check;
