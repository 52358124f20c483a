-- Codes carry attributes, which their contact must have, and a start.

-- part: locked on promo.promo_code --
alter table promo.promo_code
  add column attributes text not null default '',
  add column waits_until timestamptz,
  add constraint promo_code_attributes check (attributes = '' or attributes <> '{}' and attributes = attributes::jsonb::text) not valid,
  add constraint promo_code_waits check (waits_until is null or (retired and issued_at is null)) not valid;
comment on column promo.promo_code.attributes is
  'What its contact must have, as the text of a jsonb object of texts, which is the same for the same attributes; empty for a
code that suits everybody.';
comment on column promo.promo_code.waits_until is
  'Its start: until then it is retired. Null once it is in the pool, and of a code without a start.';
drop trigger promo_code_told on promo.promo_code;
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

-- part: locked on promo.code_stock --
alter table promo.code_stock add column attributes text not null default '';
comment on table promo.code_stock is
  'How many codes there are of a pool, by their attributes and the hour in which they run out: the sum of its rows. A statement that changes codes adds
a row, so that nobody waits for anybody; compact_stock makes one row of many.';
create or replace function promo.count_codes() returns trigger
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

-- part: locked on promo.run --
alter table promo.run
  add column match_names text[],
  add column match_sources text[],
  drop constraint run_pools,
  add constraint run_pools check (
    num_nonnulls(pool_types, pool_discounts) = 0 and pool_given is null
    or cardinality(pool_types) > case when match_names is null then 1 else 0 end
       and cardinality(pool_types) = cardinality(pool_discounts)
       and pool_types[1] = code_type and pool_discounts[1] = discount
       and (pool_given is null or cardinality(pool_given) = cardinality(pool_types))) not valid,
  add constraint run_match check (
    num_nonnulls(match_names, match_sources) = 0
    or cardinality(match_names) > 0 and cardinality(match_names) = cardinality(match_sources) and pool_types is not null) not valid;
comment on column promo.run.match_names is
  'The attributes that a code must share with its contact; null where codes are given to whom they may be. Such a run names its
pools in pool_types, even one alone.';
comment on column promo.run.match_sources is 'Where the contact''s value of each is read: contact.<field>, or audience.<column>.';
drop trigger run_opened_with on promo.run;
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

-- part: locked --
-- Such rows are only ever made together with those of their assignments, which are never deleted: a foreign key would check nothing.
create table promo.match_value (
  run_id     bigint not null,
  contact_id bigint not null,
  attributes text   not null,
  primary key (run_id, contact_id)
);
comment on table promo.match_value is 'What the codes of a run must carry for each contact, as promo_code has it: frozen with the audience. Empty
for one who lacks a value, and is given codes that suit everybody.';
create trigger match_value_kept before update or truncate on promo.match_value
  for each statement execute function promo.keep_what_was_told();

-- part: online --
alter table promo.promo_code validate constraint promo_code_attributes;

-- part: online --
alter table promo.promo_code validate constraint promo_code_waits;

-- part: online --
alter table promo.run validate constraint run_pools;

-- part: online --
alter table promo.run validate constraint run_match;

-- part: online --
create index concurrently promo_code_waiting on promo.promo_code (waits_until) where waits_until is not null;

-- part: online --
create index concurrently promo_code_stock_next on promo.promo_code (type, discount, attributes, expires_at, promo_code_id)
  where not retired and issued_at is null;

-- part: online --
create index concurrently code_stock_pool_next on promo.code_stock (type, discount, attributes, hour);

-- part: locked on promo.code_stock --
drop index promo.code_stock_pool;
alter index promo.code_stock_pool_next rename to code_stock_pool;

-- part: locked on promo.promo_code --
drop index promo.promo_code_stock;
alter index promo.promo_code_stock_next rename to promo_code_stock;
drop function promo.code_needed(text, numeric, text, boolean, text, smallint, integer, bigint, text[], smallint[]);
drop function promo.code_to_reuse(bigint, text, smallint, timestamptz);
drop function promo.free_codes(text, smallint, timestamptz);
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
