-- A run can take codes from a chain of pools.

-- part: locked on promo.run --
alter table promo.run
  add column pool_types text[],
  add column pool_discounts smallint[],
  add column pool_given bigint[],
  add constraint run_pools check (
    num_nonnulls(pool_types, pool_discounts) = 0 and pool_given is null
    or cardinality(pool_types) > 1 and cardinality(pool_types) = cardinality(pool_discounts)
       and pool_types[1] = code_type and pool_discounts[1] = discount
       and (pool_given is null or cardinality(pool_given) = cardinality(pool_types))) not valid;
comment on column promo.run.pool_types is
  'The types of a chain of pools in the order in which codes are taken from them, code_type first; null where there is one pool.';
comment on column promo.run.pool_discounts is 'The discounts of these pools, discount first.';
comment on column promo.run.pool_given is
  'How many contacts that were sent to hold a code of each of these pools, as it was counted when the run was closed.';
drop trigger run_opened_with on promo.run;
create trigger run_opened_with
  before update of run_id, run_key, workflow, spec, spec_sha256, message, channel, code_type, discount, days, records, send_by, pool_types,
    pool_discounts
  on promo.run
  for each row when (
    (old.run_id, old.run_key, old.workflow, old.spec, old.spec_sha256, old.message, old.channel, old.code_type, old.discount,
     old.days, old.records, old.send_by, old.pool_types, old.pool_discounts)
    is distinct from
    (new.run_id, new.run_key, new.workflow, new.spec, new.spec_sha256, new.message, new.channel, new.code_type, new.discount,
     new.days, new.records, new.send_by, new.pool_types, new.pool_discounts))
  execute function promo.keep_what_was_told();

-- part: online --
alter table promo.run validate constraint run_pools;

-- part: online --
create index concurrently run_open_chain on promo.run (run_id) where closed_at is null and pool_types is not null;

-- part: online --
create index concurrently run_of_chain on promo.run (opened_at) where pool_types is not null;

-- part: locked --
drop function promo.code_needed(text, numeric, text, boolean, text, smallint, integer, bigint);
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
