-- Runs can go to a first share of their audience before all others.

-- part: locked --
create table promo.first_share (
  run_id     bigint not null,
  contact_id bigint not null,
  primary key (run_id, contact_id)
);
comment on table promo.first_share is
  'Whom a run goes to before all others, drawn once when it is opened: until the run is let go on nobody else of it is given
a code or sent to.';

-- The lot that a contact draws in a run; the lowest are its first share. Another run draws others.
create function promo.lot_of(a_run bigint, a_contact bigint) returns bigint
  language sql immutable parallel safe
  return ('x' || encode(substr(sha256(convert_to(a_run::text || chr(10) || a_contact::text, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint;

-- part: locked on promo.run --
alter table promo.run
  add column start_with text,
  add column then_wait interval,
  add column first_share bigint,
  add column first_ended_at timestamptz,
  add column first_sent bigint,
  add column first_failed bigint,
  add column let_go_at timestamptz,
  add constraint run_start_with check (
    num_nonnulls(start_with, then_wait) in (0, 2)
    and (start_with is not null or num_nonnulls(first_share, first_ended_at, first_sent, first_failed, let_go_at) = 0)) not valid,
  add constraint run_first_share check (num_nonnulls(first_sent, first_failed) in (0, 2) and then_wait >= interval '0') not valid;
comment on column promo.run.start_with is 'What goes to a first share before the others: a share such as 1 %, or a number of contacts.';
comment on column promo.run.then_wait is 'For how long the others wait once all of the first share have an outcome.';
comment on column promo.run.first_share is 'How many contacts first_share holds of the run, decided when it was opened.';
comment on column promo.run.first_ended_at is 'When all of the first share were seen to have an outcome; the wait begins.';
comment on column promo.run.first_sent is 'How many of the first share were sent to when the run went on, or paused itself over them.';
comment on column promo.run.first_failed is 'Of them, how many were refused or are unknown.';
comment on column promo.run.let_go_at is 'When the contacts beyond the first share were let go: by the ledger, or by a person who resumed the run. It stays.';

-- part: online --
alter table promo.run validate constraint run_start_with;

-- part: online --
alter table promo.run validate constraint run_first_share;
