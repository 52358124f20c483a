-- which_external_ids --
-- Which contacts some external ids name, each with its place among them. Each is looked up by itself (offset 0): a join may
-- read all contacts for a lot of some.
select c.contact_id, named.place from unnest(%(values)s::text[]) with ordinality named (value, place)
cross join lateral (select o.contact_id from promo.contact o where o.external_id = named.value offset 0) c;

-- which_locators --
-- The same for values of a channel, compared as the type of the channel demands.
select h.contact_id, named.place from unnest(%(values)s::text[]) with ordinality named (value, place)
cross join lateral (
  select o.contact_id from promo.contact_channel o
  where o.type = %(by)s and promo.channel_key(o.type, o.value) collate "C" = promo.channel_key(%(by)s, named.value) collate "C"
  offset 0) h;

-- keep_values --
-- Keeps what another database told of contacts of a run that is being opened, once. Of whom two rows tell different things, in
-- this lot or one before it, nobody knows which is right: they are counted.
with told as materialized (
  select t.contact_id, t.value::jsonb as value
  from unnest(%(contact_ids)s::bigint[], %(told)s::text[]) t (contact_id, value)
  cross join lateral (
    select from promo.assignment a where a.run_id = %(run_id)s and a.contact_id = t.contact_id offset 0) a
), kept as (
  insert into promo.audience_value (run_id, contact_id, value)
  select distinct on (contact_id) %(run_id)s::bigint, contact_id, value from told order by contact_id
  on conflict do nothing
)
select (select count(*) from (select from told group by contact_id having count(distinct value) > 1) twice)
     + (select count(*) from told t cross join lateral (
          select from promo.audience_value v
          where v.run_id = %(run_id)s and v.contact_id = t.contact_id and v.value <> t.value limit 1) other) as differing;

-- has_values --
-- Whether anything is kept for a run: its first contact is looked up, where the planner may read all runs for any of it.
select (select contact_id from promo.audience_value where run_id = %(run_id)s order by contact_id limit 1) is not null as kept;

-- erase_values --
-- Values of runs that were opened so many days ago. The runs that have any are stepped through, from one to the next.
with recursive valued (run_id) as (
  (select run_id from promo.audience_value order by run_id limit 1)
  union all
  select (select v.run_id from promo.audience_value v where v.run_id > k.run_id order by v.run_id limit 1)
  from valued k where k.run_id is not null
), old as materialized (
  select k.run_id from valued k cross join lateral (
    select from promo.run r
    where r.run_id = k.run_id and r.opened_at < promo.clock() - make_interval(days => %(days)s) offset 0) r
)
delete from promo.audience_value v using old where v.run_id = old.run_id;
