-- What is decided before the send: the hold-out, the stock a run was weighed against, and codes that only look like codes.

-- part: locked on promo.run --
-- Whether a contact is kept without a code. The workflow is the seed, so that a contact is held out of all its runs or
-- of none, and a larger share holds out the same contacts and more.
create function promo.held_out(workflow text, contact_id bigint, percent numeric) returns boolean
  language sql immutable parallel safe
  return percent > 0 and
    ('x' || encode(substr(sha256(convert_to(workflow || chr(10) || contact_id::text, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint
      < percent * 281474976710656 / 100;  -- 2 ^ 48, the number of values of six bytes

alter table promo.run
  add column hold_out     numeric(4, 2) not null default 0,
  add column stock_policy text          not null default 'fail',
  add column forecast     jsonb,
  add constraint run_hold_out check (hold_out between 0 and 99) not valid,
  add constraint run_stock_policy_check check (stock_policy in ('fail', 'partial', 'wait')) not valid;
comment on column promo.run.hold_out is 'Percent of the reachable contacts who are kept without a code.';
comment on column promo.run.stock_policy is 'What a pool that is too small does: nothing is opened, some go without a code, or the run waits for codes.';
comment on column promo.run.forecast is 'Codes wanted and codes in stock when the run was opened, or opened again.';

-- part: online --
alter table promo.run validate constraint run_hold_out, validate constraint run_stock_policy_check;

-- part: locked on promo.promo_code --
-- A preview shows a code that nobody can redeem: none in the pool begins like it.
alter table promo.promo_code
  add constraint promo_code_no_placeholder check (promo.code_key(code) not like 'test-no-code%') not valid;

-- part: online --
alter table promo.promo_code validate constraint promo_code_no_placeholder;
