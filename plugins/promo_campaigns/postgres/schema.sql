-- The whole store as it is now, from nothing: a new database runs this file. Everything lives in schema promo, which the
-- migration tool has made. A store that is there already is brought to it by the files in migrations/; a test holds that
-- both ways lead to the same catalog. Order: functions that know no table, tables with their indexes, functions that
-- read them, triggers.


-- Rules that tables are made of ---------------------------------------------------------------------------------------

-- What makes two codes the same code: letter case does not, nor how letters are composed (an accent typed on a Mac is a
-- character of its own). Codes are trimmed before they get here. upper() first, so that letters with two lower-case forms
-- (the Greek final sigma) meet. Not strict, so that the planner puts the body in place of the call.
create function promo.code_key(code text) returns text
  language sql immutable parallel safe
  return case when octet_length(code) = length(code) then lower(upper(code))
              else normalize(lower(upper(normalize(code, nfc))), nfc) end;

-- What makes two locators the same: addresses ignore case, numbers and tokens do not.
-- Not strict, so that the planner puts the body in place of the call, which is made for every row of an index.
create function promo.channel_key(type text, value text) returns text
  language sql immutable parallel safe
  return case when type = 'email' then lower(value) else value end;

-- A contact has one address and one number; of anything else (tokens of its devices) it may have several.
create function promo.is_single_channel(type text) returns boolean
  language sql immutable parallel safe
  return type in ('email', 'sms');

-- The ledger's clock: the database's, never a worker's. One function, so that a test can run a year in a second. Not in
-- SQL: the planner would never put the body in place, since it is volatile where the function is stable, and an SQL function
-- that is called has a query started for it, which takes four times as long.
create function promo.clock() returns timestamptz
  language plpgsql stable parallel safe as $$
begin
  return clock_timestamp();
end $$;

-- Which time zones the server knows: what Python knows is read from other files.
create function promo.knows_zone(zone text) returns boolean
  language plpgsql stable parallel unsafe set search_path = pg_catalog
as $$
begin
  return timestamp '2000-01-01' at time zone zone is not null;
exception when invalid_parameter_value then
  return false;
end
$$;
comment on function promo.knows_zone is 'Whether the server can tell the time in a zone, without an error where it cannot.';

-- Codes that run out within one hour are counted together.
create function promo.stock_hour(expires_at timestamptz) returns timestamptz
  language sql immutable strict parallel safe
  return date_bin(interval '1 hour', expires_at, timestamptz 'epoch');

-- How long a code is at most in an XCom: as JSON in ASCII, with its quotation marks.
create function promo.json_bytes(code text) returns integer
  language sql immutable strict parallel safe
  return case when octet_length(code) = length(code) then octet_length(to_json(code)::text) else 12 * length(code) + 2 end;

-- Whether a contact is kept without a code. The workflow is the seed, so that a contact is held out of all its runs or
-- of none, and a larger share holds out the same contacts and more.
create function promo.held_out(workflow text, contact_id bigint, percent numeric) returns boolean
  language sql immutable parallel safe
  return percent > 0 and
    ('x' || encode(substr(sha256(convert_to(workflow || chr(10) || contact_id::text, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint
      < percent * 281474976710656 / 100;  -- 2 ^ 48, the number of values of six bytes

-- The lot that a contact draws in a run; the lowest are its first share. Another run draws others.
create function promo.lot_of(a_run bigint, a_contact bigint) returns bigint
  language sql immutable parallel safe
  return ('x' || encode(substr(sha256(convert_to(a_run::text || chr(10) || a_contact::text, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint;

-- Quiet hours: minutes of the week, by the clock on a contact's wall.
create function promo.minute_of_week(at timestamptz, zone text) returns integer
  language sql stable parallel safe
  return (extract(isodow from at at time zone zone)::integer - 1) * 1440
    + extract(hour from at at time zone zone)::integer * 60 + extract(minute from at at time zone zone)::integer;

-- Whether it is quiet hours where somebody is.
create function promo.is_quiet(quiet_hours int4multirange, zone text, at timestamptz) returns boolean
  language sql stable parallel safe
  return quiet_hours is not null and quiet_hours @> promo.minute_of_week(at, zone);

-- When somebody may be written to: the first moment that is not quiet, nor a while after it. The clock on the wall decides,
-- minute by minute: hours that are left out in spring are not waited for, and of hours that come twice the first counts.
create function promo.opens_at(quiet_hours int4multirange, zone text, at timestamptz, while_open interval)
  returns timestamptz language sql stable parallel safe
  return case
    when not promo.is_quiet(quiet_hours, zone, at) and not promo.is_quiet(quiet_hours, zone, at + while_open) then at
    else coalesce(
      (select minute from generate_series(date_trunc('minute', at) + interval '1 minute', at + interval '8 days',
                                          interval '1 minute') minute
       where not promo.is_quiet(quiet_hours, zone, minute) and not promo.is_quiet(quiet_hours, zone, minute + while_open)
       order by minute limit 1),
      at + interval '8 days')
  end;

-- The triggers that call it say when: rows are added and their outcome recorded once.
create function promo.keep_evidence() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  raise exception 'table %.% keeps evidence: rows are added and their outcome recorded once, never changed or removed',
    tg_table_schema, tg_table_name
    using errcode = 'check_violation', constraint = 'attempt_append_only';
end $$;


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
  time_zone    text,
  constraint code_file_counts check (row_count = inserted + updated + unchanged + rejected)
);
comment on table promo.code_file is 'One uploaded file. The same bytes are loaded once, unless the file was withdrawn in between.';
comment on column promo.code_file.time_zone is 'IANA name of the zone in which its dates were read; null for UTC, and where nobody noted it.';
create unique index code_file_sha256 on promo.code_file (sha256) where withdrawn_at is null;
create index code_file_withdrawn on promo.code_file (sha256) where withdrawn_at is not null;

create table promo.code_file_reject (
  code_file_id bigint  not null references promo.code_file on delete cascade,
  line         bigint  not null,
  "column"     text,
  reason       text    not null
);
comment on table promo.code_file_reject is 'A row of a file that was not loaded. It never holds the row itself: a code is as good as money.';
create index code_file_reject_file on promo.code_file_reject (code_file_id, line);

create table promo.generated_codes (
  idempotency_key text        primary key check (idempotency_key <> ''),
  code_file_id    bigint      not null unique references promo.code_file,
  pattern         text        not null check (pattern <> ''),
  codes           bigint      not null check (codes > 0),
  terms           jsonb       not null,
  made_at         timestamptz not null default promo.clock()
);
comment on table promo.generated_codes is 'A set of codes that was drawn here, not uploaded. Its key makes one set, however often it is asked for.';
-- How many codes of a pattern there are: what a guess of it can hit.
create index generated_codes_pattern on promo.generated_codes (promo.code_key(pattern));

-- A contact may be given again the code it holds. So a code is held by as many assignments as gave it, but by one contact
-- at most: the code says whose it is, and an assignment can hold it only for that contact (assignment_code_is_the_contacts).
create table promo.promo_code (
  promo_code_id bigint      generated always as identity primary key,
  expires_at    timestamptz not null,
  issued_at     timestamptz,
  code_file_id  bigint      not null references promo.code_file,
  line          bigint      not null,
  discount      smallint    not null constraint promo_code_discount check (discount between 0 and 99),
  retired       boolean     not null,
  code          text        not null constraint promo_code_trimmed check (code <> '' and code = btrim(code)),
  type          text        not null constraint promo_code_type check (type <> '' and type = btrim(type)),
  seen_at       timestamptz,
  held_by       bigint,
  again         smallint    not null default 0,
  twin          boolean     not null default false,
  shared        boolean     not null default false,
  attributes    text        not null default '',
  waits_until   timestamptz,
  constraint promo_code_seen check (seen_at is null or retired),
  -- A preview shows a code that nobody can redeem: none in the pool begins like it.
  constraint promo_code_no_placeholder check (promo.code_key(code) not like 'test-no-code%'),
  -- A code cannot become free while anybody holds it.
  constraint promo_code_free check (held_by is null or issued_at is not null),
  constraint promo_code_shared check (not shared or (retired and twin)),
  constraint promo_code_again check (again = 0 or (again > 0 and held_by is not null)),
  constraint promo_code_attributes check (attributes = '' or attributes <> '{}' and attributes = attributes::jsonb::text),
  constraint promo_code_waits check (waits_until is null or (retired and issued_at is null)),
  -- What an assignment's key refers to.
  constraint promo_code_held_by unique (held_by, promo_code_id)
);
comment on column promo.promo_code.retired is 'inUse as uploaded, or its file was withdrawn: it leaves the pool and never returns by itself.';
comment on column promo.promo_code.issued_at is 'When it was claimed for the first of the live assignments that hold it; null when nobody holds it.';
comment on column promo.promo_code.seen_at is
  'When it was taken from somebody for whom a data source had seen it already, or a shop told that it was used: it never
becomes free again.';
comment on column promo.promo_code.held_by is 'The contact whose it is, as long as an assignment holds it; nobody else can hold it.';
comment on column promo.promo_code.again is 'How many more assignments hold it than the one it was claimed for: its contact was given it again.';
comment on column promo.promo_code.twin is 'The same code as another one: but for how its letters are composed, from before these were compared; or shared.';
comment on column promo.promo_code.shared is 'A copy of a workflow''s fallback code, one for each contact that holds it; it was never in the pool, and never will be.';
comment on column promo.promo_code.attributes is
  'What its contact must have, as the text of a jsonb object of texts, which is the same for the same attributes; empty for a
code that suits everybody.';
comment on column promo.promo_code.waits_until is
  'Its start: until then it is retired. Null once it is in the pool, and of a code without a start.';
create unique index promo_code_key on promo.promo_code (promo.code_key(code) collate "C") where not twin;
-- The stock that can be claimed, in the order it is claimed.
create index promo_code_stock on promo.promo_code (type, discount, attributes, expires_at, promo_code_id)
  where not retired and issued_at is null;
-- Codes that wait for their start.
create index promo_code_waiting on promo.promo_code (waits_until) where waits_until is not null;
-- A file is withdrawn seldom, a code claimed all the time, and a claim has an entry made in every index of another kind.
-- Codes that were claimed lie among those of other files, so that the least and the greatest number of a part of the
-- table say nothing: several spans each do, for 3 to 4 microseconds more a claim.
create index promo_code_of_file on promo.promo_code using brin (code_file_id int8_minmax_multi_ops)
  with (pages_per_range = 32, autosummarize = on);

create table promo.code_stock (
  type     text        not null,
  discount smallint    not null,
  hour     timestamptz not null,
  free     bigint      not null,
  issued   bigint      not null,
  retired  bigint      not null,
  longest  integer     not null,
  attributes text      not null default ''
);
comment on table promo.code_stock is
  'How many codes there are of a pool, by their attributes and the hour in which they run out: the sum of its rows. A statement that changes codes adds
a row, so that nobody waits for anybody; compact_stock makes one row of many.';
comment on column promo.code_stock.free is 'Neither issued nor retired; those whose time has passed are among them.';
comment on column promo.code_stock.retired is 'Retired and not issued.';
comment on column promo.code_stock.longest is 'Bytes of the longest code in an XCom, of all that there ever were.';
create index code_stock_pool on promo.code_stock (type, discount, attributes, hour);

create table promo.alert (
  kind    text        not null check (kind <> ''),
  subject text        not null check (subject <> ''),
  told_at timestamptz not null default promo.clock(),
  primary key (kind, subject)
);
comment on table promo.alert is 'What somebody was told of: a level that the stock has reached, a run that is stuck. The row goes when it is over.';


-- Contacts -----------------------------------------------------------------------------------------------------------

create table promo.contact (
  contact_id  bigint      generated always as identity primary key,
  external_id text        unique check (external_id <> ''),
  first_name  text,
  last_name   text,
  language    text,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  erased_at   timestamptz,
  time_zone   text,
  deleted_at  timestamptz,
  constraint contact_time_zone check (timestamp '2000-01-01' at time zone time_zone > '-infinity'),
  constraint contact_erased_bare
    check (erased_at is null or num_nonnulls(external_id, first_name, last_name, language, time_zone) = 0)
);
comment on column promo.contact.time_zone is 'IANA name; null for the time zone of the run. A name that Postgres does not know is an error.';
comment on column promo.contact.deleted_at is
  'When it was deleted without being erased: its open channels were closed at the same moment, and are opened when it comes back.';
create index contact_erased on promo.contact (contact_id) where erased_at is not null;
create index contact_deleted on promo.contact (contact_id) where deleted_at is not null;
-- Search by name: the first name decides the order among those of one last name.
create index contact_first_name on promo.contact (lower(first_name), contact_id) where first_name is not null;
create index contact_last_name on promo.contact (lower(last_name), coalesce(lower(first_name), ''), contact_id)
  where last_name is not null;

create sequence promo.channel_change as bigint;

create table promo.contact_channel (
  contact_channel_id bigint      generated always as identity primary key,
  contact_id         bigint      not null references promo.contact on delete cascade,
  type               text        not null check (type ~ '^[a-z][a-z0-9_]*$'),
  value              text        not null check (value <> ''),
  unsubscribed_at    timestamptz,
  device             jsonb,
  updated_at         timestamptz not null default now(),
  change_no          bigint               default nextval('promo.channel_change'),
  closed_for         text,
  closed_by          text,
  reopened_at        timestamptz,
  constraint contact_channel_closed_for check (closed_for is null or
    (unsubscribed_at is not null and closed_for in ('unsubscribed', 'complained', 'bounced', 'unregistered'))),
  constraint contact_channel_closed_by check (closed_by is null or closed_for is not null)
);
comment on column promo.contact_channel.unsubscribed_at is
  'Since when nothing is sent to it, whatever the reason: it is closed. Null while it is open.';
comment on column promo.contact_channel.closed_for is 'Why it is closed; null of a closed one: unsubscribed, told before there were reasons.';
comment on column promo.contact_channel.closed_by is 'Who or what told so, such as a mail server''s answer; never an address.';
comment on column promo.contact_channel.reopened_at is 'When it was last opened again; what is told of a time before that closes nothing.';
comment on column promo.contact_channel.device is 'What the caller said of the device behind a token (appId, os, ...), as sent.';
comment on column promo.contact_channel.change_no is
  'Its place among the changes of all channels, so that the newest is found whatever the clock said; null if it has not
changed since before there was such a place.';
comment on table promo.contact_channel is 'A way to reach a contact. A locator belongs to one contact; a contact may have several of one type (devices).';
create unique index contact_channel_key on promo.contact_channel (type, promo.channel_key(type, value) collate "C");
create unique index contact_channel_single on promo.contact_channel (contact_id, type) where promo.is_single_channel(type);
create index contact_channel_contact on promo.contact_channel (contact_id, type);
create index contact_channel_closed_at on promo.contact_channel (unsubscribed_at, contact_channel_id)
  where unsubscribed_at is not null;

create function promo.open_other_locator() returns trigger
  language plpgsql as $$
begin
  if new.closed_for in ('bounced', 'unregistered') and promo.channel_key(new.type, new.value) <> promo.channel_key(old.type, old.value) then
    new.unsubscribed_at := null;
    new.closed_for := null;
    new.closed_by := null;
    new.reopened_at := promo.clock();
  end if;
  return new;
end $$;
comment on function promo.open_other_locator is
  'Another address of a contact is open if the one before it was closed because it failed; who unsubscribed stays so.';
create trigger contact_channel_other_locator before update of value on promo.contact_channel
  for each row when (old.unsubscribed_at is not null and old.value is distinct from new.value)
  execute function promo.open_other_locator();

create table promo.heard_notice (
  signature   bytea       primary key check (octet_length(signature) = 32),
  received_at timestamptz not null default promo.clock()
);
comment on table promo.heard_notice is
  'Signed notices of closed channels that were heard: one that is sent again changes nothing. A row goes when its notice is too old to be taken.';
create index heard_notice_received on promo.heard_notice (received_at);

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

create table promo.contact_address (
  contact_id bigint primary key references promo.contact on delete cascade,
  region     text,
  town       text,
  address    text,
  postcode   text
);
comment on table promo.contact_address is 'Where a contact lives, as callers of the profile API say.';

create table promo.contact_group (
  contact_group_id bigint      generated always as identity primary key,
  name             text        not null constraint contact_group_trimmed check (name <> '' and name = btrim(name)),
  created_at       timestamptz not null default promo.clock(),
  is_subscription  boolean     not null default false
);
comment on column promo.contact_group.is_subscription is 'Whether it is a category that contacts subscribe to by its name: its members are who did.';
comment on table promo.contact_group is 'A group of contacts, as callers of the profile API name it; an audience may select its members.';
create unique index contact_group_name on promo.contact_group (lower(name) collate "C");
create index contact_group_subscription on promo.contact_group (contact_group_id) where is_subscription;

create table promo.contact_group_member (
  contact_group_id bigint not null references promo.contact_group,
  contact_id       bigint not null references promo.contact on delete cascade,
  primary key (contact_group_id, contact_id)
);
create index contact_group_member_contact on promo.contact_group_member (contact_id);

create table promo.shop_order (
  shop_order_id bigint      generated always as identity primary key,
  external_id   text        not null unique check (external_id <> ''),
  contact_id    bigint,
  status        text        not null check (status in (
    'INITIALIZED', 'IN_PROGRESS', 'DELIVERED', 'CANCELLED', 'ABANDONED_SHOPPING_CART')),
  ordered_at    timestamptz not null,
  total         numeric     not null,
  currency      text        not null check (currency ~ '^[A-Z]{3}$'),
  details       jsonb       not null,
  received_at   timestamptz not null default promo.clock()
);
comment on table promo.shop_order is 'An order as the shop has told of it last; it goes when its contact is erased.';
comment on column promo.shop_order.details is 'Whatever else the shop has said of it: goods, addresses, ways of delivery.';
create index shop_order_contact on promo.shop_order (contact_id, ordered_at);

create table promo.contact_import (
  contact_import_id bigint      generated always as identity primary key,
  session_id        uuid        not null default gen_random_uuid(),
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
comment on column promo.contact_import.session_id is 'By which its caller asks for it. A file has a row for each few thousand of its lines, all with one id.';
comment on column promo.contact_import.request is 'The contacts as accepted; erased when they are in place, since it holds addresses.';
comment on column promo.contact_import.failures is 'Positions in the request with a reason, never a value.';
create index contact_import_session on promo.contact_import (session_id);
create index contact_import_queue on promo.contact_import (contact_import_id) where state = 'queued';


-- Erasure: identity goes, uniqueness stays ---------------------------------------------------------------------------
-- The row of the contact stays, so that its assignments and attempts do, and no code of it is ever given out again. Of each
-- identifier a keyed digest stays, by which it is recognised.

create table promo.erasure_key (
  one       boolean primary key default true check (one),
  inner_pad bytea   not null check (octet_length(inner_pad) = 64),
  outer_pad bytea   not null check (octet_length(outer_pad) = 64)
);
comment on table promo.erasure_key is 'The key of the digests, in two halves. Without it nobody can tell whose they are: deleting it forgets for good.';
insert into promo.erasure_key (inner_pad, outer_pad)
select string_agg(uuid_send(gen_random_uuid()), '') filter (where n <= 4), string_agg(uuid_send(gen_random_uuid()), '') filter (where n > 4)
from generate_series(1, 8) n;

create function promo.identity_digest(inner_pad bytea, outer_pad bytea, kind text, key text) returns bytea
  language sql stable parallel safe
  return sha256(outer_pad || sha256(inner_pad || convert_to(kind || chr(10) || key, 'UTF8')));
comment on function promo.identity_digest is 'The form of HMAC-SHA256. kind is ''external id'' or a type of channel; key is what makes two of them the same.';

create table promo.erased_identity (
  digest     bytea  primary key check (octet_length(digest) = 32),
  contact_id bigint not null references promo.contact
);
create index erased_identity_contact on promo.erased_identity (contact_id);

create table promo.watermark (
  reader   text        primary key check (reader <> ''),
  digest   bytea       check (octet_length(digest) = 32),
  kind     text        not null check (kind in ('number', 'text')),
  value    text        not null,
  moved_at timestamptz not null default promo.clock()
);
comment on table promo.watermark is 'How far a reader of another database came: the next time it asks for what has changed since.';
comment on column promo.watermark.digest is 'Of what it asks: a reader that asks for something else begins anew. Null for one that goes on, whatever it asks.';

-- Who took codes out of the store, who was erased from it, and who held sending up.
create table promo.audit (
  audit_id    bigint      generated always as identity primary key,
  begun_at    timestamptz not null default promo.clock(),
  finished_at timestamptz,
  row_count   bigint,
  revealed    boolean     not null default false,
  action      text        not null check (action in (
    'export', 'erase', 'readmit', 'cancel', 'pause', 'resume', 'stop sending', 'start sending', 'run again', 'trigger', 'test send',
    'accept unknown', 'refuse unknown', 'resend unknown', 'reveal', 'find code', 'upload', 'withdraw', 'check',
    'mode missing', 'mode profiles', 'mode refuse', 'approve', 'reject', 'close channel', 'reopen channel',
    'restored', 'reconcile', 'decide', 'archive', 'drop')),
  subject     text        not null,
  actor       text        not null,
  reason      text,
  broken_off  boolean     not null default false,
  constraint audit_finished check ((finished_at is null) = (row_count is null))
);
comment on table promo.audit is 'Who exported codes, erased a contact or changed by hand what a campaign does: written before it begins, its end recorded once. Append-only.';
comment on column promo.audit.broken_off is 'It ended before it was whole: the export whose reader left, say.';
comment on column promo.audit.subject is 'Which run, workflow or contact, by key or id: never an address.';


-- Runs ---------------------------------------------------------------------------------------------------------------

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
  closed_at     timestamptz,
  before        smallint[]  not null default '{}',
  after         smallint[]  not null default '{}',
  quiet_hours   int4multirange,
  time_zone     text,
  cap_messages  smallint    check (cap_messages > 0),
  cap_window    interval    check (cap_window > interval '0'),
  hold_out      numeric(4, 2) not null default 0,
  stock_policy  text        not null default 'fail' check (stock_policy in ('fail', 'partial', 'wait')),
  forecast      jsonb,
  reuses        boolean     not null default false,
  approval      text,
  approved_by   text,
  approved_at   timestamptz,
  halt          text,
  halted_at     timestamptz,
  halted_by     text,
  halt_reason   text,
  counted       boolean     not null default true,
  abort_at      numeric(5, 2),
  spared_sent   bigint      not null default 0,
  spared_failed bigint      not null default 0,
  start_with    text,
  then_wait     interval,
  first_share   bigint,
  first_ended_at timestamptz,
  first_sent    bigint,
  first_failed  bigint,
  let_go_at     timestamptz,
  pool_types    text[],
  pool_discounts smallint[],
  pool_given    bigint[],
  match_names   text[],
  match_sources text[],
  archived_at   timestamptz,
  dropped_at    timestamptz,
  constraint run_records check (records = (after <> '{}')),
  constraint run_time_zone check (timestamp '2000-01-01' at time zone time_zone > '-infinity'),
  constraint run_quiet_hours check ((quiet_hours is null) = (time_zone is null)),
  constraint run_cap check ((cap_messages is null) = (cap_window is null)),
  constraint run_hold_out check (hold_out between 0 and 99),
  constraint run_approval check (approval in ('awaited', 'given', 'refused')),
  constraint run_approved_whole check ((approved_at is not null) = (approval is not null and approval <> 'awaited')),
  constraint run_approved_by check (approved_by is null or approved_at is not null),
  constraint run_approved_by_somebody check (approval is distinct from 'given' or coalesce(approved_by, '') <> ''),
  constraint run_halt check (halt in ('paused', 'cancelled')),
  constraint run_halted_whole check (
    num_nonnulls(halt, halted_at, halted_by) in (0, 3) and (halt_reason is null or halt is not null)),
  constraint run_abort_at check (abort_at > 0 and abort_at <= 100),
  constraint run_start_with check (
    num_nonnulls(start_with, then_wait) in (0, 2)
    and (start_with is not null or num_nonnulls(first_share, first_ended_at, first_sent, first_failed, let_go_at) = 0)),
  constraint run_first_share check (num_nonnulls(first_sent, first_failed) in (0, 2) and then_wait >= interval '0'),
  constraint run_pools check (
    num_nonnulls(pool_types, pool_discounts) = 0 and pool_given is null
    or cardinality(pool_types) > case when match_names is null then 1 else 0 end
       and cardinality(pool_types) = cardinality(pool_discounts)
       and pool_types[1] = code_type and pool_discounts[1] = discount
       and (pool_given is null or cardinality(pool_given) = cardinality(pool_types))),
  constraint run_match check (
    num_nonnulls(match_names, match_sources) = 0
    or cardinality(match_names) > 0 and cardinality(match_names) = cardinality(match_sources) and pool_types is not null),
  constraint run_archived check (
    (archived_at is null or closed_at is not null) and (dropped_at is null or archived_at is not null))
);
comment on column promo.run.run_key is 'Workflow and occurrence: what makes two runs the same send. Never a task try.';
comment on column promo.run.spec_sha256 is 'Digest of the definition the run was opened with; another definition under the same key is refused.';
comment on column promo.run.mode is 'What running it again does once it is closed: send only to contacts that were not reached, repair profiles only, or nothing.';
comment on column promo.run.records is 'Whether the message binds a data source that records the code on the profile.';
comment on column promo.run.before is 'The data sources called before the message, by their place in the definition.';
comment on column promo.run.after is 'The data sources called once the message was accepted, by their place in the definition.';
comment on column promo.run.quiet_hours is 'Minutes of the week, Monday first, in which nobody is given a code or sent anything.';
comment on column promo.run.time_zone is 'Of contacts that have none.';
comment on column promo.run.cap_messages is 'How many messages of the channel a contact may get within cap_window, from all runs together.';
comment on column promo.run.hold_out is 'Percent of the reachable contacts who are kept without a code.';
comment on column promo.run.stock_policy is 'What a pool that is too small does: nothing is opened, some go without a code, or the run waits for codes.';
comment on column promo.run.forecast is 'Codes wanted and codes in stock when the run was opened, or opened again.';
comment on column promo.run.reuses is 'Whether a contact that holds a code of the pool which is valid long enough is given that one again.';
comment on column promo.run.approval is 'What a person said of the run; null for one that nobody is asked about.';
comment on column promo.run.approved_by is 'Who approved or refused it, as Airflow names them; null where nobody answered in time.';
comment on column promo.run.halt is
  'paused: nobody new is given a code or sent to for now; cancelled: nor later, unless a person lifts it. Set under the lock
that halt_of shares, so that no intent is committed once it is set.';
comment on column promo.run.halted_by is 'Who paused or cancelled it: a person''s account, or abort_at, the run itself.';
comment on column promo.run.counted is 'Whether run_count knows all its assignments; not of a run that is older than the counts.';
comment on column promo.run.abort_at is 'The run pauses itself once more than so many percent were refused or are unknown; null for never.';
comment on column promo.run.spared_sent is 'How many were sent to when a person let it go on: they count no more towards abort_at.';
comment on column promo.run.spared_failed is 'Of them, how many were refused or are unknown.';
comment on column promo.run.start_with is 'What goes to a first share before the others: a share such as 1 %, or a number of contacts.';
comment on column promo.run.then_wait is 'For how long the others wait once all of the first share have an outcome.';
comment on column promo.run.first_share is 'How many contacts first_share holds of the run, decided when it was opened.';
comment on column promo.run.first_ended_at is 'When all of the first share were seen to have an outcome; the wait begins.';
comment on column promo.run.first_sent is 'How many of the first share were sent to when the run went on, or paused itself over them.';
comment on column promo.run.first_failed is 'Of them, how many were refused or are unknown.';
comment on column promo.run.let_go_at is 'When the contacts beyond the first share were let go: by the ledger, or by a person who resumed the run. It stays.';
comment on column promo.run.pool_types is
  'The types of a chain of pools in the order in which codes are taken from them, code_type first; null where there is one pool.';
comment on column promo.run.pool_discounts is 'The discounts of these pools, discount first.';
comment on column promo.run.pool_given is
  'How many contacts that were sent to hold a code of each of these pools, as it was counted when the run was closed.';
comment on column promo.run.match_names is
  'The attributes that a code must share with its contact; null where codes are given to whom they may be. Such a run names its
pools in pool_types, even one alone.';
comment on column promo.run.match_sources is 'Where the contact''s value of each is read: contact.<field>, or audience.<column>.';
comment on column promo.run.archived_at is
  'When its files were read back and agreed: from then on its contacts and attempts go, and it is never opened again.';
comment on column promo.run.dropped_at is 'When the last of its contacts and attempts had gone; its counts stay.';
-- A workflow's runs, and the runs that a frequency cap can still count: those that are open, or were closed lately.
create index run_workflow on promo.run (workflow, opened_at);
create index run_open_channel on promo.run (channel, run_id) where closed_at is null;
create index run_closed on promo.run (channel, closed_at, run_id) where closed_at is not null;
create index run_open_pool on promo.run (code_type, discount) where closed_at is null;
-- Runs with a chain of pools: those that are open, and those of the last days. They are few beside all others.
create index run_open_chain on promo.run (run_id) where closed_at is null and pool_types is not null;
create index run_of_chain on promo.run (opened_at) where pool_types is not null;
-- Lists of runs, newest first: a workflow's, and those that somebody halted.
create index run_of_workflow on promo.run (workflow, run_id);
create index run_halted on promo.run (run_id) where halt is not null;
-- A pool's runs: how fast it is used up.
create index run_of_pool on promo.run (code_type, discount, opened_at);
-- Runs that may be archived, those closed first before all others; those whose rows go just now; and how far caps look back.
create index run_to_archive on promo.run (closed_at, run_id) where closed_at is not null and archived_at is null;
create index run_to_drop on promo.run (run_id) where archived_at is not null and dropped_at is null;
create index run_cap_window on promo.run (channel, cap_window) where cap_window is not null;
-- Runs by the beginning of their key.
create index run_key_start on promo.run (run_key collate "C");

-- One switch for all runs.
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

create table promo.code_demand (
  run_id bigint not null,
  codes  bigint not null
);
comment on table promo.code_demand is
  'How many codes a run that is open has still to claim: the sum of its rows, and the count of its pending contacts that
need a code. A claim adds a row, so that nobody waits for anybody; a run that is closed has none.';
create index code_demand_run on promo.code_demand (run_id);


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


-- Assignments --------------------------------------------------------------------------------------------------------

-- What each state means, and which statement makes which change, stands in model/assignment_state.py and docs/states.md.
create type promo.assignment_state as enum (
  'pending', 'skipped', 'assigned', 'sending', 'accepted', 'rejected', 'unknown', 'recorded', 'expired'
);

create sequence promo.lease_token as bigint;

create table promo.assignment (
  run_id        bigint                 not null references promo.run,
  contact_id    bigint                 not null references promo.contact,
  promo_code_id bigint,
  lease_token   bigint,
  lease_until   timestamptz,
  state         promo.assignment_state not null default 'pending',
  resend_counter smallint              not null default 0,
  reason        text,
  time_zone     text,
  reused_at     timestamptz,
  claim_id      bigint,
  needs_code    boolean                not null default false,
  primary key (run_id, contact_id),
  constraint assignment_reason check ((state in ('skipped', 'rejected', 'expired')) = (reason is not null)),
  constraint assignment_code check (
    (state in ('assigned', 'sending', 'accepted', 'unknown', 'recorded')) = (promo_code_id is not null)),
  constraint assignment_lease check ((lease_token is null) = (lease_until is null)),
  constraint assignment_sending check (state <> 'sending' or lease_until is not null),
  -- A code is held only for the contact whose it is, and cannot become free while it is held.
  constraint assignment_code_is_the_contacts
    foreign key (contact_id, promo_code_id) references promo.promo_code (held_by, promo_code_id)
) with (fillfactor = 60);
comment on column promo.assignment.promo_code_id is 'The code this contact holds. Given back, it is gone from here and stays in the attempts.';
comment on column promo.assignment.resend_counter is 'Rises when a refused contact is sent to anew, so that a receiver does not answer for the refused try.';
comment on column promo.assignment.lease_token is 'Fences the worker that is calling out for this row, message or profile, until lease_until.';
comment on column promo.assignment.time_zone is 'By which the run''s quiet hours go for this contact; frozen with the audience, null in a run without.';
comment on column promo.assignment.reused_at is
  'When the contact was given again a code it held already; null if its code was claimed for this run.';
comment on column promo.assignment.claim_id is
  'Drawn from the sequence of attempt_id before the contact''s messages were counted for the run''s cap, and the code claimed.';
comment on column promo.assignment.needs_code is
  'Whether the run counts on a code of the pool for this contact while it is pending: it could be reached, is not held out,
and is not given again what it holds.';
-- These change for a whole run within minutes, so figures about them are always wrong: the planner shall not believe any.
alter table promo.assignment
  alter column state set statistics 0, alter column lease_token set statistics 0, alter column lease_until set statistics 0,
  alter column promo_code_id set statistics 0;
-- The runs a contact was in, newest first: for erasure, caps and reuse. Its columns never change and it has no predicate, so
-- that a claim stays heap-only. The run is an expression, so that the planner never takes this index for the primary key: a
-- batch lies side by side in that one alone.
create index assignment_contact on promo.assignment (contact_id, (-run_id));

-- Drawn from an audience, like a sample: a column of each assignment would be one more for all runs.
create table promo.first_share (
  run_id     bigint not null,
  contact_id bigint not null,
  primary key (run_id, contact_id)
);
comment on table promo.first_share is
  'Whom a run goes to before all others, drawn once when it is opened: until the run is let go on nobody else of it is given
a code or sent to.';

-- Sends of unknown outcome. An index on the state would have each of its changes make an entry in every index of the table;
-- these are few, and written when a send becomes unknown or ceases to be.
create table promo.unknown_send (
  run_id     bigint not null,
  contact_id bigint not null,
  primary key (run_id, contact_id)
);
comment on table promo.unknown_send is 'The assignments in state unknown, as their trigger keeps them: what to look at, in all runs.';


-- Attempts and answers -----------------------------------------------------------------------------------------------

-- Attempts are only ever made from assignment rows that are locked, and neither assignments nor codes are ever deleted
-- (assignment_kept, promo_code_kept): foreign keys would check nothing that can fail, at a third of the price of an intent.
-- The outcome of every attempt is recorded once, and its row grows by what it came to: with half of each page free, all of them find room
-- in place, and neither index hears of it. Rows that move would take as much room, and two entries in the indexes each.
create table promo.attempt (
  attempt_id    bigint      generated always as identity primary key,
  run_id        bigint      not null,
  contact_id    bigint      not null,
  promo_code_id bigint      not null,
  lease_token   bigint      not null,
  started_at    timestamptz not null default promo.clock(),
  finished_at   timestamptz,
  purpose       text        not null check (purpose in ('message', 'profile', 'answer')),
  outcome       text        check (outcome in ('ok', 'refused')),
  detail        text,
  source        smallint    not null default 0,
  shows_code    boolean     not null default true,
  outcome_id    bigint,
  constraint attempt_outcome check ((outcome is null) >= (finished_at is null)),
  constraint attempt_once unique (run_id, contact_id, purpose, lease_token)
) with (fillfactor = 50);
alter table promo.attempt alter column outcome set statistics 0;
comment on table promo.attempt is 'One call made for an assignment. Append-only; its outcome is written once. No outcome means: nobody knows.';
comment on column promo.attempt.source is 'Which of the run''s data sources was called, by its place in the definition; 0 for a message.';
comment on column promo.attempt.shows_code is 'Whether the code left with the call; of the calls before a message only those of a source that reads it.';
comment on column promo.attempt.outcome_id is
  'Drawn from the sequence of attempt_id when the outcome was written: what has a smaller id came before. Null in attempts
that are older than the column.';

create table promo.answer (
  run_id        bigint      not null,
  contact_id    bigint      not null,
  promo_code_id bigint      references promo.promo_code,
  received_at   timestamptz not null default promo.clock(),
  source        smallint    not null,
  resend_counter smallint   not null,
  value         jsonb       not null constraint answer_size check (octet_length(value::text) <= 262144),
  primary key (run_id, contact_id, source),
  foreign key (run_id, contact_id) references promo.assignment
);
comment on table promo.answer is 'What a data source answered before the message, which reads it. Asked once; kept so that a retry sends the same.';
comment on column promo.answer.promo_code_id is 'The code it was asked with, null if the source was not told; an answer to another code is asked for anew.';
comment on column promo.answer.resend_counter is 'The assignment''s counter when it was asked; for a contact that is sent to anew it is asked anew.';

-- Such rows are only ever made together with those of their assignments, which are never deleted: a foreign key would check nothing.
create table promo.audience_value (
  run_id     bigint not null,
  contact_id bigint not null,
  value      jsonb  not null check (jsonb_typeof(value) = 'object'),
  primary key (run_id, contact_id)
);
comment on table promo.audience_value is 'What the audience of another database told of a contact when its run was opened: type and text by column. Read by the texts of this run alone.';

-- Such rows are only ever made together with those of their assignments, which are never deleted: a foreign key would check nothing.
create table promo.match_value (
  run_id     bigint not null,
  contact_id bigint not null,
  attributes text   not null,
  primary key (run_id, contact_id)
);
comment on table promo.match_value is 'What the codes of a run must carry for each contact, as promo_code has it: frozen with the audience. Empty
for one who lacks a value, and is given codes that suit everybody.';


-- Redemptions: codes that were used in a shop ------------------------------------------------------------------------

-- Neither codes nor runs nor contacts are ever deleted, so foreign keys would check nothing that can fail.
create table promo.redemption (
  redemption_id bigint      generated always as identity primary key,
  redeemed_at   timestamptz not null,
  received_at   timestamptz not null default promo.clock(),
  promo_code_id bigint,
  owner_id      bigint,
  contact_id    bigint,
  run_id        bigint,
  order_id      text        not null check (order_id <> ''),
  code          text        not null check (code <> ''),
  amount        numeric     check (amount >= 0),
  currency      text        check (currency ~ '^[A-Z]{3}$'),
  finding       text        check (finding in ('no such code', 'never given', 'not the owner', 'before it was sent')),
  source        text        not null check (source <> ''),
  person_id     bigint      generated always as (coalesce(contact_id, owner_id)) stored,
  constraint redemption_amount check ((amount is null) = (currency is null)),
  constraint redemption_of_a_code check ((promo_code_id is null) = (finding is not distinct from 'no such code'))
);
comment on table promo.redemption is 'A code that was used in a shop, once for each order and code: what the shop has said of it.';
comment on column promo.redemption.owner_id is 'The contact that held the code when it was told of.';
comment on column promo.redemption.contact_id is 'Whose order it was; null if the shop does not say, or means nobody we know.';
comment on column promo.redemption.run_id is 'Which run gave the code: the last one that sent it before it was redeemed.';
comment on column promo.redemption.order_id is 'As the shop calls it; a digest once the person was erased.';
comment on column promo.redemption.person_id is 'Who is taken to have redeemed it: whose order it was, else whose code.';
comment on column promo.redemption.finding is 'What is odd about it; null if nothing is.';
create unique index redemption_once on promo.redemption (order_id, promo.code_key(code) collate "C");
create index redemption_run on promo.redemption (run_id) where run_id is not null;
-- Not of those alone who have a person: all of such an index may seem as cheap to the planner as one of its rows.
create index redemption_person on promo.redemption (person_id);
create index redemption_time on promo.redemption (redeemed_at);
create index redemption_finding on promo.redemption (redemption_id) where finding is not null;


-- Pictures of codes --------------------------------------------------------------------------------------------------

create table promo.picture_key (
  one boolean primary key default true check (one),
  key bytea   not null check (octet_length(key) = 64)
);
comment on table promo.picture_key is 'With what the links to pictures of codes are signed. Another key ends every link that was sent.';
insert into promo.picture_key (key)
select string_agg(uuid_send(gen_random_uuid()), '') from generate_series(1, 4);


-- Clients of the profile API -----------------------------------------------------------------------------------------

create table promo.api_key (
  api_key_id bigint      generated always as identity primary key,
  name       text        not null check (name <> '' and name = btrim(name)),
  digest     bytea       not null unique check (octet_length(digest) = 32),
  scopes     text[]      not null check (
    scopes <> '{}' and scopes <@ '{read,contacts,erase,events,orders,messages}'::text[]),
  per_second integer     not null check (per_second > 0),
  created_at timestamptz not null default promo.clock(),
  created_by text        not null,
  revoked_at timestamptz,
  revoked_by text,
  constraint api_key_revoked check ((revoked_at is null) = (revoked_by is null))
);
comment on table promo.api_key is 'A client of the profile API: what its key allows, and how often. The key itself is kept nowhere.';
comment on column promo.api_key.digest is 'SHA-256 of the key, which is 256 random bits: nothing slower is needed.';
create unique index api_key_name on promo.api_key (name) where revoked_at is null;


-- What all workers know of a receiver --------------------------------------------------------------------------------

create table promo.receiver (
  name          text        primary key,
  failures      integer     not null default 0,
  open_until    timestamptz,
  probe_until   timestamptz,
  reason        text
) with (fillfactor = 50);
comment on table promo.receiver is 'The circuit breaker: after failures in a row nothing is claimed for a receiver until open_until; then one probes.';

-- What all workers may ask of a receiver together.
create table promo.rate_budget (
  receiver text        primary key,
  next_at  timestamptz not null default '-infinity',
  slots    jsonb       not null default '{}',
  backs_off_until timestamptz
) with (fillfactor = 50);
comment on column promo.rate_budget.next_at is 'When the next token is due that no worker has leased; a Retry-After moves it.';
comment on column promo.rate_budget.slots is
  'Calls that may be under way: by worker, how many slots it holds and wants, and when they become free if it is killed.';
comment on column promo.rate_budget.backs_off_until is 'Until when no call begins, as a Retry-After asked for last.';

-- The inbox transport's own store: a receiver that honours keys.
create table promo.inbox_message (
  idempotency_key uuid        primary key,
  contact_id      bigint      not null,
  channel         text        not null,
  locator         text        not null,
  title           text        not null default '',
  body            text        not null,
  received_at     timestamptz not null default promo.clock(),
  html            text        not null default ''
);
create index inbox_message_recent on promo.inbox_message (received_at);
-- A contact's messages: for erasure, and for promo inbox.
create index inbox_message_contact on promo.inbox_message (contact_id);


-- What the pages have worked off in the background -------------------------------------------------------------------

create table promo.background_job (
  background_job_id bigint      generated always as identity primary key,
  token             uuid        not null unique default gen_random_uuid(),
  kind              text        not null check (kind in ('check', 'dry run')),
  subject           text        not null,
  actor             text        not null,
  begun_at          timestamptz not null default promo.clock(),
  alive_at          timestamptz not null default promo.clock(),
  finished_at       timestamptz,
  done              bigint      not null default 0,
  terms             jsonb       not null,
  result            jsonb,
  problem           text,
  constraint background_job_settled check ((finished_at is null) = (num_nonnulls(result, problem) = 0))
);
comment on table promo.background_job is 'What a server does in the background, so that every server can tell how far it is. It holds no text of a profile.';
comment on column promo.background_job.alive_at is 'When the server that does it last said so: one that was stopped says so no more.';
create unique index background_job_under_way on promo.background_job (kind, subject) where finished_at is null;
create index background_job_newest on promo.background_job (kind, subject, background_job_id);

create table promo.dry_run_part (
  background_job_id bigint  not null references promo.background_job on delete cascade,
  part              integer not null,
  send              integer not null,
  skipped           integer not null,
  rejected          integer not null,
  contacts          jsonb   not null,
  primary key (background_job_id, part)
);
comment on table promo.dry_run_part is 'Some thousands of contacts of a dry run: ids, reasons and masked codes. Texts are rendered when they are looked at.';


-- Events: what callers say has happened to a contact, and which workflow has yet to answer it ------------------------

create table promo.event (
  event_id    bigint      generated always as identity primary key,
  type        text        not null check (type <> ''),
  key         text,
  contact_id  bigint,
  params      jsonb,
  token       uuid        not null unique,
  received_at timestamptz not null default promo.clock(),
  kept        boolean     not null default false,
  occurred_at timestamptz
);
comment on column promo.event.occurred_at is 'When it happened, if it was sent as one of the past: no workflow answers it.';
comment on table promo.event is 'One event as it was received. Key and params are erased after a while, since they hold addresses.';
comment on column promo.event.token is 'Made from the caller''s Idempotency-Key, else at random: the same request sent again is the same event.';
comment on column promo.event.contact_id is 'Who it is about; null when the event names nobody that can be found or made.';
comment on column promo.event.kept is
  'Set when its key and params are erased: whether a run took it, so that it stays, for the rules of re-entry.';
create index event_contact on promo.event (contact_id) where params is not null;
create index event_received on promo.event (received_at) where params is not null;
-- The newest events of a type, and those of a span of time.
create index event_type on promo.event (type, received_at);
create index event_to_delete on promo.event (received_at) where params is null and not kept;

create table promo.event_listener (
  workflow    text        primary key,
  type        text        not null,
  since       timestamptz not null default promo.clock(),
  quiet_until timestamptz,
  taken_by    text
) with (fillfactor = 50);
comment on table promo.event_listener is 'Which workflow answers events of which type: every event from then on is queued for it.';
comment on column promo.event_listener.quiet_until is 'Nobody wakes the workflow before: it was woken just now, or is taking its events.';
comment on column promo.event_listener.taken_by is 'Who takes its events, or took them last: the run key of a DAG run.';
create index event_listener_type on promo.event_listener (type);

create table promo.event_queue (
  event_id    bigint      not null references promo.event on delete cascade,
  workflow    text        not null,
  contact_id  bigint,
  received_at timestamptz not null,
  run_id      bigint      references promo.run,
  taken_at    timestamptz,
  refused     text,
  primary key (event_id, workflow),
  constraint event_queue_taken check ((taken_at is not null) = (num_nonnulls(run_id, refused) = 1) and num_nonnulls(run_id, refused) <= 1)
);
comment on table promo.event_queue is 'The queue: an event waits for a workflow until a run has taken it or it was refused, with the reason.';
create index event_queue_waiting on promo.event_queue (workflow, event_id) where taken_at is null;
-- Events that a restore has put off.
create index event_queue_restored on promo.event_queue (event_id) where refused = 'restored';
-- A contact stands in a run once, so one event is its reason: the one a message of the run can read.
create unique index event_queue_run on promo.event_queue (run_id, contact_id) where run_id is not null;
-- When a contact entered a workflow: a rule looks at its period, not at all entries.
create index event_queue_entered on promo.event_queue (contact_id, workflow, received_at) where run_id is not null;


-- The archive: what old runs leave behind -----------------------------------------------------------------------------

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


-- Questions that several statements ask ------------------------------------------------------------------------------
-- Each is one expression or returns rows, so that the planner puts the body in place of the call where it can.

-- The free codes of a pool with some attributes, or none, that run out at this time or after it. Whole hours are kept; of the
-- first, which is cut, the codes themselves are counted.
create function promo.free_codes(a_type text, a_discount smallint, valid_until timestamptz, carried text default '')
  returns table (codes bigint)
  language sql stable
begin atomic
  select (select coalesce(sum(s.free), 0)::bigint from promo.code_stock s
          where s.type = a_type and s.discount = a_discount and s.attributes = carried
            and s.hour > promo.stock_hour(valid_until))
       + (select count(*) from promo.promo_code p
          where p.type = a_type and p.discount = a_discount and p.attributes = carried and not p.retired and p.issued_at is null
            and p.expires_at >= valid_until and p.expires_at < promo.stock_hour(valid_until) + interval '1 hour');
end;

-- The code of a pool that a contact may be given again: one that it holds and that is valid until then, and carries nothing or
-- what the contact has; of several the one it was given last. It looks at the newest runs first and stops at the first code
-- that fits.
create function promo.code_to_reuse(
  a_contact bigint, a_type text, a_discount smallint, valid_until timestamptz, contact_has text default ''
) returns table (promo_code_id bigint, code text, expires_at timestamptz)
  language sql stable
begin atomic
  select p.promo_code_id, p.code, p.expires_at
  from promo.assignment h join promo.promo_code p on p.promo_code_id = h.promo_code_id
  where h.contact_id = a_contact and h.promo_code_id is not null
    and p.type = a_type and p.discount = a_discount and not p.retired and p.expires_at >= valid_until
    and p.attributes in ('', contact_has)
  order by -h.run_id limit 1;
end;

-- What a contact has of some attributes, as codes carry them; empty where it lacks one. Told is what another database told of
-- it, as audience_value keeps it. A row is returned, so that the planner puts the body in place of the call.
create function promo.contact_has(a_contact bigint, told jsonb, names text[], sources text[]) returns table (attributes text)
  language sql stable
begin atomic
  select case when count(found.value) = cardinality(names) then jsonb_object_agg(wanted.name, found.value)::text else '' end
  from unnest(names, sources) wanted (name, source)
  cross join lateral (
    select nullif(btrim(normalize(case
      when wanted.source like 'audience.%' then told -> substr(wanted.source, 10) ->> 1
      when wanted.source in ('contact.external_id', 'contact.first_name', 'contact.last_name', 'contact.language',
                             'contact.time_zone') then (
        select case wanted.source when 'contact.external_id' then c.external_id when 'contact.first_name' then c.first_name
                 when 'contact.last_name' then c.last_name when 'contact.language' then c.language else c.time_zone end
        from promo.contact c where c.contact_id = a_contact)
      else (
        select v.value from promo.contact_field f
        join promo.contact_field_value v on v.contact_field_id = f.contact_field_id and v.contact_id = a_contact
        where lower(f.name) collate "C" = lower(substr(wanted.source, 9)) collate "C") end, nfc)), '') as value) found;
end;

-- Whether a code of the pool must be taken for a contact that is in a run's audience. It returns a row, so that the planner
-- puts the body in place of the call, which is made for everybody in an audience; held_out, which it calls all the same, is
-- called where somebody is held out only.
create function promo.code_needed(
  workflow text, hold_out numeric, channel text, reuses boolean, code_type text, discount smallint, days integer,
  a_contact bigint, pool_types text[], pool_discounts smallint[]
) returns table (needed boolean)
  language sql stable
begin atomic
  select not (hold_out > 0 and promo.held_out(workflow, a_contact, hold_out))
    and exists (select from promo.contact_channel c
                where c.contact_id = a_contact and c.type = channel and c.unsubscribed_at is null)
    and not (reuses and exists (
      select from promo.code_to_reuse(a_contact, code_type, discount, promo.clock() + make_interval(days => days))))
    and not (reuses and pool_types is not null and exists (
      select from unnest(pool_types, pool_discounts) pool (type, discount)
      cross join lateral promo.code_to_reuse(
        a_contact, pool.type, pool.discount, promo.clock() + make_interval(days => days)) held));
end;

-- The first run whose messages can count for a frequency cap from then on: of a run that was closed before nothing is
-- under way, and all attempts are older. An hour is added, in case a clock was set back while it was sent.
create function promo.first_capped_run(a_channel text, since timestamptz) returns bigint
  language sql stable
begin atomic
  select least(
    (select r.run_id from promo.run r where r.channel = a_channel and r.closed_at is null order by r.channel, r.run_id limit 1),
    -- Not min() over the table, for which the planner would go through the runs from the first one on.
    (select min(recent.run_id)
     from (select r.run_id from promo.run r
           where r.channel = a_channel and r.closed_at > since - interval '1 hour' offset 0) recent));
end;

-- Whether a data source may have seen this code for this contact, before any message.
create function promo.was_seen(run_id bigint, contact_id bigint, promo_code_id bigint) returns boolean
  language sql stable
  return exists (
    select from promo.attempt t
    where t.run_id = was_seen.run_id and t.contact_id = was_seen.contact_id and t.promo_code_id = was_seen.promo_code_id
      and t.purpose = 'answer' and t.shows_code and t.outcome is distinct from 'refused');

-- Whether the answer of a data source that is called before the message is at hand.
create function promo.is_answered(
  run_id bigint, contact_id bigint, promo_code_id bigint, resend_counter smallint, source smallint
) returns boolean
  language sql stable
  return exists (
    select from promo.answer w
    where w.run_id = is_answered.run_id and w.contact_id = is_answered.contact_id and w.source = is_answered.source
      and w.resend_counter = is_answered.resend_counter
      and (w.promo_code_id is null or w.promo_code_id = is_answered.promo_code_id));

-- Why a workflow may not take an event; null if it may. A rule about other entries of the contact holds whichever of the
-- two events is looked at first, so that the answer is a matter of what arrived and not of when it was looked at. A workflow
-- that takes a contact only alone looks at the runs of that contact, not at all that are open.
create function promo.event_refusal(
  a_workflow text, a_type text, an_event bigint, a_contact bigint, a_time timestamptz,
  reentry text, period interval, alone boolean, max_age interval
) returns text
  language sql stable parallel safe
  return case
    when not exists (select from promo.contact c where c.contact_id = a_contact and c.erased_at is null) then 'no contact'
    when not exists (select from promo.event e where e.event_id = an_event and e.type = a_type) then 'another type'
    when a_time < promo.clock() - max_age then 'too old'
    when reentry = 'once' and exists (
      select from promo.event_queue t
      where t.workflow = a_workflow and t.contact_id = a_contact and t.run_id is not null) then 'once'
    when reentry = 'period' and exists (
      select from promo.event_queue t
      where t.workflow = a_workflow and t.contact_id = a_contact and t.run_id is not null
        and t.received_at > a_time - period and t.received_at < a_time + period) then 'once per period'
    when alone and exists (
      select from promo.event_queue t
      where t.workflow = a_workflow and t.contact_id = a_contact and t.run_id is not null
        and (select r.closed_at is null from promo.run r where r.run_id = t.run_id)) then 'in progress'
  end;

-- Where a run stands, in the words of model/oversight/run_line.py.
create function promo.run_state(halt text, closed_at timestamptz, approval text) returns text
  language sql immutable parallel safe
  return case when halt = 'cancelled' then halt when closed_at is not null then 'closed' when halt is not null then halt
              when approval = 'awaited' then 'awaiting' else 'open' end;

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
create function promo.halt_of(a_run bigint)
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

-- Keeps intents of a run from being committed until the transaction ends, and waits for those under way; of all runs for
-- null.
create function promo.hold_intents(a_run bigint) returns void
  language sql set search_path = pg_catalog, promo
  return case when a_run is null then pg_advisory_xact_lock(1347571534, 0)
              else pg_advisory_xact_lock(1347571535, (a_run % 2147483648)::integer) end;

-- What a person or the reconciliation is shown of each send of unknown outcome. Each is looked up by itself (offset 0): in a
-- join the planner may go through a whole run for each of them.
create view promo.unknown_send_shown as
select r.run_key, u.run_id, u.contact_id, a.resend_counter, p.code, sent.first_attempt, sent.attempts
from promo.unknown_send u
cross join lateral (
  select h.resend_counter, h.promo_code_id from promo.assignment h
  where h.run_id = u.run_id and h.contact_id = u.contact_id and h.state = 'unknown' offset 0) a
join promo.run r on r.run_id = u.run_id
join promo.promo_code p on p.promo_code_id = a.promo_code_id
cross join lateral (
  select min(t.started_at) as first_attempt, count(*) as attempts from promo.attempt t
  where t.run_id = u.run_id and t.contact_id = u.contact_id and t.purpose = 'message'
) sent
where sent.attempts > 0;


-- Triggers: what no statement can get round ---------------------------------------------------------------------------

-- A change of state that may not be allowed is told in the trigger's condition, which costs no call: the legal ones,
-- commonest first. They are the edges of model/assignment_state.py; a test tries every pair. Two edges need evidence.
create function promo.check_assignment_transition() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  -- A late ok for a send of unknown outcome that was to be made again.
  if (old.state, new.state) = ('assigned', 'accepted') and exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message' and t.outcome = 'ok')
  then
    return new;
  end if;
  -- What is to be sent again was refused: nothing of it can have arrived. A lease to ask a data source has no such attempt.
  if (old.state, new.state) = ('sending', 'assigned') and not exists (
       select from promo.attempt t
       where t.run_id = new.run_id and t.contact_id = new.contact_id and t.purpose = 'message'
         and t.lease_token = old.lease_token and t.outcome is distinct from 'refused')
  then
    return new;
  end if;
  raise exception 'assignment (run %, contact %) may not go from % to %', old.run_id, old.contact_id, old.state, new.state
    using errcode = 'check_violation', constraint = 'assignment_transition';
end $$;
create trigger assignment_transition before update of state on promo.assignment
  for each row when (old.state is distinct from new.state and (old.state, new.state) not in (
    ('assigned', 'sending'), ('sending', 'accepted'), ('accepted', 'recorded'), ('pending', 'assigned'),
    ('pending', 'skipped'), ('sending', 'rejected'), ('sending', 'unknown'),
    ('unknown', 'sending'), ('unknown', 'accepted'), ('unknown', 'rejected'), ('unknown', 'assigned'),
    ('pending', 'expired'), ('assigned', 'expired'), ('assigned', 'pending'), ('assigned', 'unknown'),
    ('assigned', 'skipped'),
    ('skipped', 'pending'), ('rejected', 'pending'), ('expired', 'pending')))
  execute function promo.check_assignment_transition();

-- An unknown send may outlive its run. Once it is worked on again, the run is not done any more: someone must close it again.
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

create function promo.keep_unknown() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if new.state = 'unknown' then
    insert into promo.unknown_send (run_id, contact_id) values (new.run_id, new.contact_id) on conflict do nothing;
  else
    delete from promo.unknown_send u where u.run_id = new.run_id and u.contact_id = new.contact_id;
  end if;
  return null;
end $$;
create trigger assignment_keeps_unknown after update of state on promo.assignment
  for each row when ((old.state = 'unknown') <> (new.state = 'unknown')) execute function promo.keep_unknown();
create trigger assignment_added_unknown after insert on promo.assignment
  for each row when (new.state = 'unknown') execute function promo.keep_unknown();

-- What a contact was told of its code, and what a run was opened with, stays. A condition on columns costs nothing where a
-- statement does not name them, and claims and outcomes name none of these.
create function promo.keep_what_was_told() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  raise exception 'table %.%: what was told to somebody, or opened with, is never changed', tg_table_schema, tg_table_name
    using errcode = 'check_violation', constraint = tg_name;
end $$;
create trigger promo_code_told
  before update of code, type, discount, expires_at, code_file_id, retired, seen_at, twin, shared, attributes, waits_until
  on promo.promo_code
  for each row when (
    (old.issued_at is not null
     and (old.code, old.type, old.discount, old.expires_at, old.code_file_id, old.attributes)
         is distinct from (new.code, new.type, new.discount, new.expires_at, new.code_file_id, new.attributes))
    or promo.code_key(old.code) <> promo.code_key(new.code)
    -- Only a file that is loaded anew brings a code back into the pool, or its start, which only a file sets.
    or (old.code_file_id = new.code_file_id
        and (old.retired and not new.retired and (old.waits_until is null or old.waits_until > promo.clock())
             or new.waits_until is not null and new.waits_until is distinct from old.waits_until))
    or (old.seen_at is not null and new.seen_at is null)
    or (old.twin, old.shared) is distinct from (new.twin, new.shared))
  execute function promo.keep_what_was_told();
-- The same code in another form is no other code.
create trigger promo_code_no_twin before insert on promo.promo_code
  for each row when (new.twin and not new.shared) execute function promo.keep_what_was_told();
create trigger run_opened_with
  before update of run_id, run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, send_by, pool_types,
    pool_discounts, match_names, match_sources
  on promo.run
  for each row when (
    (old.run_id, old.run_key, old.workflow, old.spec, old.spec_sha256, old.message, old.channel, old.code_type, old.discount,
     old.days, old.records, old.send_by, old.pool_types, old.pool_discounts, old.match_names, old.match_sources)
    is distinct from
    (new.run_id, new.run_key, new.workflow, new.spec, new.spec_sha256, new.message, new.channel, new.code_type, new.discount,
     new.days, new.records, new.send_by, new.pool_types, new.pool_discounts, new.match_names, new.match_sources))
  execute function promo.keep_what_was_told();
create trigger run_kept before delete or truncate on promo.run
  for each statement execute function promo.keep_evidence();
create trigger match_value_kept before update or truncate on promo.match_value
  for each statement execute function promo.keep_what_was_told();
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
create trigger assignment_is_of_its_contact before update of run_id, contact_id, resend_counter on promo.assignment
  for each row when (
    (old.run_id, old.contact_id) is distinct from (new.run_id, new.contact_id) or new.resend_counter < old.resend_counter)
  execute function promo.keep_what_was_told();
-- Without the key an erased contact is nobody's any more, and may come back.
create trigger erasure_key_kept before delete or update or truncate on promo.erasure_key
  for each statement execute function promo.keep_evidence();
create trigger erased_identity_kept before truncate on promo.erased_identity
  for each statement execute function promo.keep_evidence();

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
-- Evidence is written once, and neither assignments nor codes are removed but with an archived run: attempts would point at nothing.
create trigger assignment_kept before truncate on promo.assignment
  for each statement execute function promo.keep_evidence();
create trigger assignment_archived after delete on promo.assignment
  referencing old table as gone for each statement execute function promo.keep_unarchived();
create trigger promo_code_kept before delete or truncate on promo.promo_code
  for each statement execute function promo.keep_evidence();
create trigger attempt_kept before truncate on promo.attempt
  for each statement execute function promo.keep_evidence();
create trigger attempt_archived after delete on promo.attempt
  referencing old table as gone for each statement execute function promo.keep_unarchived();
create trigger attempt_recorded_once before update on promo.attempt
  for each row when (
    old.outcome is not null
    or (old.attempt_id, old.run_id, old.contact_id, old.promo_code_id, old.lease_token, old.started_at, old.purpose,
        old.source, old.shows_code)
       is distinct from
       (new.attempt_id, new.run_id, new.contact_id, new.promo_code_id, new.lease_token, new.started_at, new.purpose,
        new.source, new.shows_code))
  execute function promo.keep_evidence();
create trigger audit_kept before truncate on promo.audit
  for each statement execute function promo.keep_evidence();
create trigger audit_archived after delete on promo.audit
  referencing old table as gone for each statement execute function promo.keep_unarchived_audit();
create trigger audit_recorded_once before update on promo.audit
  for each row when (
    old.finished_at is not null
    or (old.audit_id, old.begun_at, old.revealed, old.action, old.subject, old.actor, old.reason)
       is distinct from (new.audit_id, new.begun_at, new.revealed, new.action, new.subject, new.actor, new.reason))
  execute function promo.keep_evidence();

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

-- A write that began before an erasure must not come after it.
create function promo.refuse_erased() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if exists (select from promo.contact c where c.erased_at is not null and c.contact_id in (select a.contact_id from added a)) then
    raise exception 'the contact was erased meanwhile' using errcode = 'foreign_key_violation', constraint = 'contact_erased';
  end if;
  return null;
end $$;
create trigger contact_channel_of_nobody_erased after insert on promo.contact_channel
  referencing new table as added for each statement execute function promo.refuse_erased();
create trigger contact_field_value_of_nobody_erased after insert on promo.contact_field_value
  referencing new table as added for each statement execute function promo.refuse_erased();
create trigger shop_order_of_nobody_erased after insert on promo.shop_order
  referencing new table as added for each statement execute function promo.refuse_erased();
create trigger contact_address_of_nobody_erased after insert on promo.contact_address
  referencing new table as added for each statement execute function promo.refuse_erased();
create trigger contact_group_member_of_nobody_erased after insert on promo.contact_group_member
  referencing new table as added for each statement execute function promo.refuse_erased();

-- The stock of a pool follows its codes. Codes that were changed are counted by the moment they run out, which many share,
-- before hours are made of the moments; and the length of a code is looked at where it came to, not where it came from, too.
create function promo.count_codes() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
begin
  if tg_op = 'INSERT' then
    insert into promo.code_stock (type, discount, attributes, hour, free, issued, retired, longest)
    select type, discount, attributes, promo.stock_hour(expires_at),
           count(*) filter (where issued_at is null and not retired),
           count(*) filter (where issued_at is not null),
           count(*) filter (where issued_at is null and retired),
           max(promo.json_bytes(code))
    from added group by 1, 2, 3, 4;
  else
    insert into promo.code_stock (type, discount, attributes, hour, free, issued, retired, longest)
    select type, discount, attributes, promo.stock_hour(expires_at), sum(free), sum(issued), sum(retired), max(longest)
    from (
      select type, discount, attributes, expires_at,
             -count(*) filter (where issued_at is null and not retired) as free,
             -count(*) filter (where issued_at is not null) as issued,
             -count(*) filter (where issued_at is null and retired) as retired,
             0 as longest
      from gone group by 1, 2, 3, 4
      union all
      select type, discount, attributes, expires_at,
             count(*) filter (where issued_at is null and not retired),
             count(*) filter (where issued_at is not null),
             count(*) filter (where issued_at is null and retired),
             max(promo.json_bytes(code))
      from added group by 1, 2, 3, 4
    ) changed
    group by 1, 2, 3, 4
    having sum(free) <> 0 or sum(issued) <> 0 or sum(retired) <> 0;
  end if;
  return null;
end $$;
create trigger promo_code_added after insert on promo.promo_code
  referencing new table as added for each statement execute function promo.count_codes();
create trigger promo_code_changed after update on promo.promo_code
  referencing old table as gone new table as added for each statement execute function promo.count_codes();

-- The counts of a run follow its assignments. A statement that changes no state adds nothing.
create function promo.count_assignments() returns trigger
  language plpgsql set search_path = pg_catalog, promo as $$
declare
  runs bigint[];
  states promo.assignment_state[];
  counts bigint[];
begin
  -- An insert has no rows of before, and a statement that names them cannot run there.
  if tg_op = 'INSERT' then
    select array_agg(run_id), array_agg(state), array_agg(n) into runs, states, counts
    from (select run_id, state, count(*) as n from added group by 1, 2) changed;
  else
    select array_agg(run_id), array_agg(state), array_agg(n) into runs, states, counts
    from (
      select run_id, state, sum(n)::bigint as n
      from (
        select run_id, state, -count(*) as n from gone group by 1, 2
        union all
        select run_id, state, count(*) from added group by 1, 2
      ) both_sides
      group by 1, 2 having sum(n) <> 0
    ) changed;
  end if;
  insert into promo.run_count
    (run_id, pending, skipped, assigned, sending, accepted, rejected, unknown, recorded, expired)
  select run_id, coalesce(sum(n) filter (where state = 'pending'), 0), coalesce(sum(n) filter (where state = 'skipped'), 0),
         coalesce(sum(n) filter (where state = 'assigned'), 0), coalesce(sum(n) filter (where state = 'sending'), 0),
         coalesce(sum(n) filter (where state = 'accepted'), 0), coalesce(sum(n) filter (where state = 'rejected'), 0),
         coalesce(sum(n) filter (where state = 'unknown'), 0), coalesce(sum(n) filter (where state = 'recorded'), 0),
         coalesce(sum(n) filter (where state = 'expired'), 0)
  from unnest(runs, states, counts) as changed (run_id, state, n)
  group by run_id;
  return null;
end $$;
create trigger assignment_added after insert on promo.assignment
  referencing new table as added for each statement execute function promo.count_assignments();
create trigger assignment_changed after update on promo.assignment
  referencing old table as gone new table as added for each statement execute function promo.count_assignments();
