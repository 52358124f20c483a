-- The store: codes, contacts and the ledger of runs. Everything lives in schema promo, which the migration tool has made.

-- What makes two codes the same code: letter case does not. Codes are trimmed before they get here.
-- upper() first, so that letters with two lower-case forms (the Greek final sigma) meet.
create function promo.code_key(code text) returns text
  language sql immutable strict parallel safe
  return lower(upper(code));

-- What makes two locators the same: addresses ignore case, numbers and tokens do not.
-- Not strict, so that the planner puts the body in place of the call, which is made for every row of an index.
create function promo.channel_key(type text, value text) returns text
  language sql immutable parallel safe
  return case when type = 'email' then lower(value) else value end;

-- A contact has one address and one number; of anything else (tokens of its devices) it may have several.
create function promo.is_single_channel(type text) returns boolean
  language sql immutable parallel safe
  return type in ('email', 'sms');


-- The ledger's clock: the database's, never a worker's. One function, so that a test can run a year in a second.
create function promo.clock() returns timestamptz
  language sql stable parallel safe
  return clock_timestamp();


-- Codes --------------------------------------------------------------------------------------------------------------

create table promo.code_file (
  code_file_id bigint generated always as identity primary key,
  name         text        not null,
  sha256       bytea       not null check (octet_length(sha256) = 32),
  row_count    bigint      not null,
  inserted     bigint      not null,
  updated      bigint      not null,
  unchanged    bigint      not null,
  rejected     bigint      not null,
  loaded_at    timestamptz not null default now(),
  withdrawn_at timestamptz,
  constraint code_file_counts check (row_count = inserted + updated + unchanged + rejected)
);
comment on table promo.code_file is 'One uploaded file. The same bytes are loaded once, unless the file was withdrawn in between.';
create unique index code_file_sha256 on promo.code_file (sha256) where withdrawn_at is null;

create table promo.code_file_reject (
  code_file_id bigint  not null references promo.code_file on delete cascade,
  line         bigint  not null,
  "column"     text,
  reason       text    not null
);
comment on table promo.code_file_reject is 'A row of a file that was not loaded. It never holds the row itself: a code is as good as money.';
create index code_file_reject_file on promo.code_file_reject (code_file_id, line);

create table promo.promo_code (
  promo_code_id bigint      generated always as identity primary key,
  expires_at    timestamptz not null,
  issued_at     timestamptz,
  code_file_id  bigint      not null references promo.code_file,
  line          bigint      not null,
  discount      smallint    not null constraint promo_code_discount check (discount between 0 and 99),
  retired       boolean     not null,
  code          text        not null constraint promo_code_trimmed check (code <> '' and code = btrim(code)),
  type          text        not null constraint promo_code_type check (type <> '' and type = btrim(type))
);
comment on column promo.promo_code.retired is 'inUse as uploaded, or its file was withdrawn: it leaves the pool and never returns by itself.';
comment on column promo.promo_code.issued_at is 'When it was given to the live assignment that holds it; null when nobody holds it.';
create unique index promo_code_key on promo.promo_code (promo.code_key(code) collate "C");
-- The stock that can be claimed, in the order it is claimed.
create index promo_code_stock on promo.promo_code (type, discount, expires_at, promo_code_id)
  where not retired and issued_at is null;
create index promo_code_file on promo.promo_code (code_file_id);


-- Contacts -----------------------------------------------------------------------------------------------------------

create table promo.contact (
  contact_id  bigint      generated always as identity primary key,
  external_id text        unique check (external_id <> ''),
  first_name  text,
  last_name   text,
  language    text,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);

create table promo.contact_channel (
  contact_channel_id bigint      generated always as identity primary key,
  contact_id         bigint      not null references promo.contact on delete cascade,
  type               text        not null check (type ~ '^[a-z][a-z0-9_]*$'),
  value              text        not null check (value <> ''),
  unsubscribed_at    timestamptz,
  device             jsonb,
  updated_at         timestamptz not null default now()
);
comment on column promo.contact_channel.device is 'What the caller said of the device behind a token (appId, os, ...), as sent.';
comment on table promo.contact_channel is 'A way to reach a contact. A locator belongs to one contact; a contact may have several of one type (devices).';
create unique index contact_channel_key on promo.contact_channel (type, promo.channel_key(type, value) collate "C");
create unique index contact_channel_single on promo.contact_channel (contact_id, type) where promo.is_single_channel(type);
create index contact_channel_contact on promo.contact_channel (contact_id, type);

create table promo.contact_field (
  contact_field_id bigint generated by default as identity primary key,
  name             text   not null check (name <> '' and name = btrim(name)),
  type             text   not null check (type in
    ('textfield', 'textarea', 'combobox', 'checkboxlist', 'date', 'datetime', 'number', 'decimal')),
  description      text   not null default ''
);
-- A column of a contact file names a field in any case, so two fields may not differ by case alone.
create unique index contact_field_name on promo.contact_field (lower(name) collate "C");

create table promo.contact_field_value (
  contact_id       bigint      not null references promo.contact on delete cascade,
  contact_field_id bigint      not null references promo.contact_field,
  value            text        not null,
  updated_at       timestamptz not null default now(),
  primary key (contact_id, contact_field_id)
);

create table promo.contact_import (
  contact_import_id bigint      generated always as identity primary key,
  session_id        uuid        not null unique default gen_random_uuid(),
  request           jsonb,
  state             text        not null default 'queued' check (state in ('queued', 'finished', 'failed')),
  total             integer     not null,
  inserted          integer     not null default 0,
  updated           integer     not null default 0,
  unchanged         integer     not null default 0,
  failures          jsonb       not null default '[]',
  received_at       timestamptz not null default now(),
  finished_at       timestamptz,
  constraint contact_import_request check ((state = 'queued') = (request is not null)),
  constraint contact_import_finished check ((state = 'queued') = (finished_at is null))
);
comment on table promo.contact_import is 'A bulk request of the profile API: accepted here, answered, then worked off in order of arrival.';
comment on column promo.contact_import.request is 'The contacts as accepted; erased when they are in place, since it holds addresses.';
comment on column promo.contact_import.failures is 'Positions in the request with a reason, never a value.';
create index contact_import_queue on promo.contact_import (contact_import_id) where state = 'queued';


-- The ledger ---------------------------------------------------------------------------------------------------------

create table promo.run (
  run_id        bigint      generated always as identity primary key,
  run_key       text        not null unique check (run_key <> ''),
  workflow      text        not null,
  spec          jsonb       not null,
  spec_sha256   bytea       not null check (octet_length(spec_sha256) = 32),
  message       text        not null,
  channel       text        not null,
  code_type     text        not null,
  discount      smallint    not null check (discount between 0 and 99),
  days          integer     not null check (days >= 0),
  records       boolean     not null,
  send_by       timestamptz,
  mode          text        not null default 'missing' check (mode in ('missing', 'profiles', 'refuse')),
  opened_at     timestamptz not null default promo.clock(),
  closed_at     timestamptz
);
comment on column promo.run.run_key is 'Workflow and occurrence: what makes two runs the same send. Never a task try.';
comment on column promo.run.spec_sha256 is 'Digest of the definition the run was opened with; another definition under the same key is refused.';
comment on column promo.run.mode is 'What running it again does once it is closed: send to whoever is missing, repair profiles only, or nothing.';
comment on column promo.run.records is 'Whether the message binds a data source that records the code on the profile.';

-- Each edge is one named query of queries/ledger.sql.
create type promo.assignment_state as enum (
  'pending',   -- in the audience, nothing decided; from skipped, rejected or expired: reopen_missing; from assigned:
               -- return_short, its code fell short and was never put before anybody
  'skipped',   -- from pending: skip_unreachable
  'assigned',  -- from pending: claim_codes; from sending: settle_assignments or fold_lapsed, refused for now; from
               -- unknown: resend_unknown, a person took the risk, or settle_assignments, it was refused for now
  'sending',   -- from assigned or unknown: begin_messages, committed before a byte is sent
  'accepted',  -- from sending or unknown: settle_assignments or fold_lapsed, some attempt was answered ok; from assigned:
               -- settle_assignments, the answer came before a doubt was sent again
  'rejected',  -- from sending or unknown: settle_assignments, every attempt was refused; the code is back in the pool
  'unknown',   -- from sending: settle_assignments or fold_lapsed, some attempt has no known outcome; the code stays taken;
               -- from assigned: expire_overdue, it was to be sent again and is too late
  'recorded',  -- from accepted: settle_profiles, the data source confirmed the profile write
  'expired'    -- from pending or assigned: expire_overdue, the send-by passed or the code ran out
);

create sequence promo.lease_token as bigint;

create table promo.assignment (
  run_id        bigint                 not null references promo.run,
  contact_id    bigint                 not null references promo.contact,
  promo_code_id bigint                 references promo.promo_code,
  lease_token   bigint,
  lease_until   timestamptz,
  state         promo.assignment_state not null default 'pending',
  generation    smallint               not null default 0,
  reason        text,
  primary key (run_id, contact_id),
  constraint assignment_reason check ((state in ('skipped', 'rejected', 'expired')) = (reason is not null)),
  constraint assignment_code check (
    (state in ('assigned', 'sending', 'accepted', 'unknown', 'recorded')) = (promo_code_id is not null)),
  constraint assignment_lease check ((lease_token is null) = (lease_until is null)),
  constraint assignment_sending check (state <> 'sending' or lease_until is not null)
) with (fillfactor = 60);
comment on column promo.assignment.promo_code_id is 'The code this contact holds. Given back, it is gone from here and stays in the attempts.';
comment on column promo.assignment.generation is 'Rises when a refused contact is sent to anew, so that a receiver does not answer for the refused try.';
comment on column promo.assignment.lease_token is 'Fences the worker that is calling out for this row, message or profile, until lease_until.';
-- These change for a whole run within minutes, so figures about them are always wrong: the planner shall not believe any.
alter table promo.assignment
  alter column state set statistics 0, alter column lease_token set statistics 0, alter column lease_until set statistics 0,
  alter column promo_code_id set statistics 0;
-- A code is held by one assignment at most. Its predicate leaves out the state, so that state changes stay heap-only.
create unique index assignment_code_held_once on promo.assignment (promo_code_id) where promo_code_id is not null;

create table promo.attempt (
  attempt_id    bigint      generated always as identity primary key,
  run_id        bigint      not null,
  contact_id    bigint      not null,
  promo_code_id bigint      not null references promo.promo_code,
  lease_token   bigint      not null,
  started_at    timestamptz not null default promo.clock(),
  finished_at   timestamptz,
  purpose       text        not null check (purpose in ('message', 'profile')),
  outcome       text        check (outcome in ('ok', 'refused')),
  detail        text,
  constraint attempt_outcome check ((outcome is null) >= (finished_at is null)),
  constraint attempt_once unique (run_id, contact_id, purpose, lease_token),
  foreign key (run_id, contact_id) references promo.assignment
);
alter table promo.attempt alter column outcome set statistics 0;
comment on table promo.attempt is 'One call made for an assignment. Append-only; its outcome is written once. No outcome means: nobody knows.';

create function promo.check_assignment_transition() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if (old.state, new.state) in (
       ('pending', 'skipped'), ('pending', 'assigned'), ('pending', 'expired'),
       ('skipped', 'pending'), ('rejected', 'pending'), ('expired', 'pending'),
       ('assigned', 'sending'), ('assigned', 'expired'), ('assigned', 'pending'), ('assigned', 'unknown'),
       ('sending', 'accepted'), ('sending', 'rejected'), ('sending', 'unknown'), ('sending', 'assigned'),
       ('unknown', 'sending'), ('unknown', 'accepted'), ('unknown', 'rejected'), ('unknown', 'assigned'),
       ('accepted', 'recorded'))
     -- A late answer to a doubt that was to be sent again.
     or (old.state, new.state) = ('assigned', 'accepted') and exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message' and t.outcome = 'ok')
  then
    return new;
  end if;
  raise exception 'assignment (run %, contact %) may not go from % to %', old.run_id, old.contact_id, old.state, new.state
    using errcode = 'check_violation', constraint = 'assignment_transition';
end $$;
create trigger assignment_transition before update of state on promo.assignment
  for each row when (old.state is distinct from new.state) execute function promo.check_assignment_transition();

-- A doubt may outlive its run. Once it is worked on again, the run is not done any more: someone must close it again.
-- The lock makes a closer and this wait for each other.
create function promo.reopen_run() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  perform from promo.run r where r.run_id = new.run_id for key share;
  update promo.run r set closed_at = null
  where r.run_id = new.run_id and r.closed_at is not null and (new.state <> 'accepted' or r.records);
  return null;
end $$;
create trigger assignment_reopens_run after update of state on promo.assignment
  for each row when (old.state = 'unknown' and new.state in ('assigned', 'sending', 'accepted'))
  execute function promo.reopen_run();

create function promo.keep_evidence() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  raise exception 'table %.% keeps evidence: rows are added and settled once, never changed or removed', tg_table_schema, tg_table_name
    using errcode = 'check_violation', constraint = 'attempt_append_only';
end $$;
create trigger attempt_settled_once before update on promo.attempt
  for each row when (
    old.outcome is not null
    or (old.attempt_id, old.run_id, old.contact_id, old.promo_code_id, old.lease_token, old.started_at, old.purpose)
       is distinct from (new.attempt_id, new.run_id, new.contact_id, new.promo_code_id, new.lease_token, new.started_at, new.purpose))
  execute function promo.keep_evidence();
create trigger attempt_kept before delete or truncate on promo.attempt
  for each statement execute function promo.keep_evidence();
create trigger assignment_kept before delete or truncate on promo.assignment
  for each statement execute function promo.keep_evidence();


-- What all workers know of a receiver: whether it is worth calling.
create table promo.receiver (
  name          text        primary key,
  failures      integer     not null default 0,
  open_until    timestamptz,
  probe_until   timestamptz,
  reason        text
);
comment on table promo.receiver is 'The circuit breaker: after failures in a row nothing is claimed for a receiver until open_until; then one probes.';
alter table promo.receiver set (fillfactor = 50);


-- The inbox transport's own store: a receiver that honours keys ------------------------------------------------------

create table promo.inbox_message (
  idempotency_key uuid        primary key,
  contact_id      bigint      not null,
  channel         text        not null,
  locator         text        not null,
  title           text        not null default '',
  body            text        not null,
  received_at     timestamptz not null default promo.clock()
);
create index inbox_message_recent on promo.inbox_message (received_at);
