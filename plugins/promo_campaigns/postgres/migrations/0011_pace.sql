-- Limits and pace: rate budgets of receivers, quiet hours and frequency caps.

-- part: locked --
-- What all workers may ask of a receiver together.
create table promo.rate_budget (
  receiver text        primary key,
  next_at  timestamptz not null default '-infinity',
  seats    jsonb       not null default '{}'
) with (fillfactor = 50);
comment on column promo.rate_budget.next_at is 'When the next turn that nobody has leased is; a Retry-After moves it.';
comment on column promo.rate_budget.seats is
  'Calls that may be under way: by worker, how many seats it holds and wants, and when they come back if it is killed.';


-- Quiet hours: minutes of the week, by the clock on a contact''s wall.
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

-- part: locked on promo.contact --
alter table promo.contact
  add time_zone text,
  add constraint contact_time_zone check (timestamp '2000-01-01' at time zone time_zone > '-infinity') not valid,
  drop constraint contact_erased_bare,
  add constraint contact_erased_bare
    check (erased_at is null or num_nonnulls(external_id, first_name, last_name, language, time_zone) = 0) not valid;
comment on column promo.contact.time_zone is 'IANA name; null for the time zone of the run. A name that Postgres does not know is an error.';

-- part: online --
alter table promo.contact validate constraint contact_time_zone, validate constraint contact_erased_bare;

-- part: locked on promo.run --
alter table promo.run
  add quiet_hours  int4multirange,
  add time_zone    text,
  add cap_messages smallint,
  add cap_window   interval,
  add constraint run_cap_messages_check check (cap_messages > 0) not valid,
  add constraint run_cap_window_check check (cap_window > interval '0') not valid,
  add constraint run_time_zone check (timestamp '2000-01-01' at time zone time_zone > '-infinity') not valid,
  add constraint run_quiet_hours check ((quiet_hours is null) = (time_zone is null)) not valid,
  add constraint run_cap check ((cap_messages is null) = (cap_window is null)) not valid;
comment on column promo.run.quiet_hours is 'Minutes of the week, Monday first, in which nobody is given a code or sent anything.';
comment on column promo.run.time_zone is 'Of contacts that have none.';
comment on column promo.run.cap_messages is 'How many messages of the channel a contact may get within cap_window, from all runs together.';

-- part: online --
alter table promo.run
  validate constraint run_cap_messages_check, validate constraint run_cap_window_check, validate constraint run_time_zone,
  validate constraint run_quiet_hours, validate constraint run_cap;

-- part: locked on promo.assignment --
alter table promo.assignment add time_zone text;
comment on column promo.assignment.time_zone is 'By which the run''s quiet hours go for this contact; frozen with the audience, null in a run without.';

-- part: online --
-- Whom a code was given lately. Its predicate leaves out the state, so that state changes stay heap-only.
create index concurrently assignment_holder on promo.assignment (contact_id) where promo_code_id is not null;
