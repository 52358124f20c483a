-- create_stage --
-- Room for the rows of one load; what a load that broke off left in this session goes first.
drop table if exists pg_temp.stage_contact, pg_temp.stage_channel, pg_temp.stage_value, pg_temp.stage_address;
create temporary table stage_contact (
  row_number  bigint  primary key,
  given_id    bigint,
  external_id text,
  first_name  text,
  last_name   text,
  language    text,
  time_zone   text,
  contact_id  bigint,
  is_new      boolean not null default false,
  is_changed  boolean not null default false,
  place       text,
  refused_for text
);
create temporary table stage_channel (
  row_number  bigint  not null,
  position    integer not null,
  is_identity boolean not null,
  type        text    not null,
  value       text    not null,
  device      jsonb,
  key         text    collate "C" generated always as (promo.channel_key(type, value)) stored
);
create temporary table stage_value (
  row_number bigint not null,
  field_id   bigint not null,
  value      text
);
create temporary table stage_address (
  row_number bigint primary key,
  region     text,
  town       text,
  address    text,
  postcode   text
)

-- copy_contacts --
-- Rows as they were read, in order.
copy stage_contact (row_number, given_id, external_id, first_name, last_name, language, time_zone) from stdin

-- copy_channels --
-- Their channels.
copy stage_channel (row_number, position, is_identity, type, value, device) from stdin

-- copy_values --
-- Their additional fields.
copy stage_value (row_number, field_id, value) from stdin

-- copy_addresses --
-- Where they live.
copy stage_address (row_number, region, town, address, postcode) from stdin

-- index_stage --
-- A lot is found by its row numbers, and earlier rows by their contact: as an expression, so that no other statement takes
-- that index for an empty one. It is made before rows change, or the transaction that changes them could not use it. And
-- the planner knows nothing of a table that was just filled.
create index on stage_contact ((-contact_id));
create index on stage_channel (row_number);
create index on stage_value (row_number);
analyze stage_contact, stage_channel, stage_value

-- analyze_stage --
-- By now most rows have their contact or their refusal, of which the planner knew nothing.
analyze stage_contact

-- drop_stage --
-- The load is done.
drop table stage_contact, stage_channel, stage_value, stage_address

-- limit_lock_wait --
-- A lot waits this long for a lock; then it lets go of those it holds, so that it stops nobody else.
select set_config('lock_timeout', %(lock_wait)s, true)

-- forget_matches --
-- A rival was faster: whose these rows are is looked up again.
update stage_contact set contact_id = null
 where row_number between %(first)s and %(last)s and refused_for is null

-- refuse_held --
-- Rows of contacts that others have held for too long.
update stage_contact set contact_id = null, is_new = false, place = '', refused_for = %(held)s
 where row_number between %(first)s and %(last)s and refused_for is null

-- match_given_ids --
-- Rows that name a contact by its own id.
update stage_contact s
   set contact_id = c.contact_id, place = 'id', refused_for = case when c.contact_id is null then 'no contact has this id' end
  from stage_contact g
  left join promo.contact c on c.contact_id = g.given_id and c.erased_at is null
 where g.row_number = s.row_number and s.given_id is not null and s.refused_for is null
   and s.row_number between %(first)s and %(last)s

-- match_external_ids --
-- Rows whose external id is known.
update stage_contact s
   set contact_id = c.contact_id
  from promo.contact c
 where c.external_id = s.external_id and s.contact_id is null and s.refused_for is null
   and s.row_number between %(first)s and %(last)s

-- match_field_values --
-- Rows named by the value of one additional field: the oldest contact that holds it.
update stage_contact s
   set contact_id = m.contact_id
  from (select g.row_number, min(v.contact_id) as contact_id
          from stage_value g
          join promo.contact_field_value v on v.contact_field_id = g.field_id and v.value = g.value
         where g.field_id = %(field_id)s and g.row_number between %(first)s and %(last)s
         group by g.row_number) m
 where m.row_number = s.row_number and s.contact_id is null and s.refused_for is null

-- match_channels --
-- The other rows: the first of their channels that is known names the contact, unless its external id is another.
update stage_contact s
   set contact_id = case when m.agrees then m.contact_id end,
       place = case when not m.agrees then m.type end,
       refused_for = case when not m.agrees then %(other_external_id)s end
  from (select distinct on (g.row_number) g.row_number, c.contact_id, h.type,
               c.external_id is null or s.external_id is null as agrees
          from stage_channel g
          join stage_contact s on s.row_number = g.row_number
          join promo.contact_channel h on h.type = g.type and promo.channel_key(h.type, h.value) collate "C" = g.key
          join promo.contact c on c.contact_id = h.contact_id
         where g.is_identity and s.contact_id is null and s.refused_for is null and s.row_number between %(first)s and %(last)s
           and g.row_number between %(first)s and %(last)s
         order by g.row_number, g.position) m
 where m.row_number = s.row_number

-- refuse_twins --
-- A contact stands once in a load: a later row with an identifier of an earlier one is refused, whichever identifier it is.
with /* fragment claims */, ranked as (
  select row_number, place, min(row_number) over (partition by place, key) as first_row from claims
), twins as (
  select distinct on (row_number) row_number, place, first_row
    from ranked
   where first_row < row_number
   order by row_number, first_row, place desc
)
update stage_contact s
   set place = twins.place, refused_for = %(same_contact)s || twins.first_row
  from twins
 where twins.row_number = s.row_number and s.refused_for is null
   and s.row_number between %(first)s and %(last)s

-- list_shadowed --
-- List the refused twins that share nothing with an earlier row that is let in: only with refused ones, so perhaps with none.
with /* fragment claims */, refused as (
  select c.*, s.refused_for, min(c.row_number) filter (where s.refused_for is null) over (partition by c.place, c.key) as first_row
    from claims c join stage_contact s using (row_number)
)
select row_number, array_agg(place) as places, array_agg(key) as keys
  from refused
 where starts_with(refused_for, %(same_contact)s)
 group by row_number
having count(*) filter (where first_row < row_number) = 0
 order by row_number

-- let_in --
-- Let a row in that is nobody's twin after all, or say whose it is.
update stage_contact s
   set place = twin.place, refused_for = %(same_contact)s || twin.first_row
  from unnest(%(rows)s::bigint[], %(places)s::text[], %(first_rows)s::bigint[]) as twin (row_number, place, first_row)
 where twin.row_number = s.row_number

-- refuse_lot_twins --
-- Of a lot whose contacts were looked up again: a row whose contact turned out to be that of an earlier row of the load.
-- Earlier rows are found by their contact, and never by going through the load: + 0 leaves no other index to be taken.
update stage_contact s
   set place = '', refused_for = %(same_contact)s || twins.first_row
  from (select g.row_number,
               (select min(e.row_number + 0) from stage_contact e
                 where -e.contact_id = -g.contact_id and e.row_number + 0 < g.row_number
                   and e.refused_for is null) as first_row
          from stage_contact g
         where g.contact_id is not null and g.refused_for is null and g.row_number between %(first)s and %(last)s
        offset 0) twins
 where twins.row_number = s.row_number and twins.first_row is not null

-- drop_unlisted_channels --
-- A contact that exists keeps its address or number unless the request lists it among the fields to write.
delete from stage_channel g
 using stage_contact s
 where s.row_number = g.row_number and s.contact_id is not null
   and promo.is_single_channel(g.type) and g.type <> all (%(listed)s::text[])
   and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s

-- refuse_foreign_channels --
-- A channel is never taken from another contact. One that names the contact of a row which nobody was found for was taken
-- only just now: there insert_channels fails, and the row is looked up again.
update stage_contact s
   set place = f.type, refused_for = %(other_contact)s
  from (select distinct on (g.row_number) g.row_number, g.type
          from stage_channel g
          join stage_contact s on s.row_number = g.row_number
          join promo.contact_channel h on h.type = g.type and promo.channel_key(h.type, h.value) collate "C" = g.key
         where h.contact_id is distinct from s.contact_id and s.refused_for is null
           and (s.contact_id is not null or not g.is_identity)
           and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s
         order by g.row_number, g.position) f
 where f.row_number = s.row_number

-- refuse_erased --
-- Nobody who was erased is taken up again.
update stage_contact s
   set place = f.place, refused_for = %(was_erased)s
  from (select distinct on (i.row_number) i.row_number, i.place
          from promo.erasure_key k
         cross join (
               select row_number, 0 as position, 'externalId' as place, 'external id' as kind, external_id as key
                 from stage_contact where external_id is not null and row_number between %(first)s and %(last)s
                union all
               select row_number, position + 1, type, type, key from stage_channel
                where row_number between %(first)s and %(last)s) i
          join promo.erased_identity e on e.digest = promo.identity_digest(k.inner_pad, k.outer_pad, i.kind, i.key)
         where exists (select from promo.erased_identity)
         order by i.row_number, i.position) f
 where f.row_number = s.row_number and s.refused_for is null

-- refuse_zones --
-- A time zone that the server does not know would fail a send in quiet hours.
update stage_contact s
   set place = 'timeZone', refused_for = %(unknown_zone)s
  from (select distinct time_zone from stage_contact
         where time_zone is not null and row_number between %(first)s and %(last)s) lived_in
 where lived_in.time_zone = s.time_zone and s.refused_for is null and not promo.knows_zone(lived_in.time_zone)
   and s.row_number between %(first)s and %(last)s

-- refuse_deleted --
-- Nobody who was deleted comes back unasked.
update stage_contact s set place = '', refused_for = %(was_deleted)s
  from promo.contact c
 where c.contact_id = s.contact_id and c.deleted_at is not null and s.refused_for is null
   and s.row_number between %(first)s and %(last)s

-- restore_deleted --
-- Who was deleted is back, and what the deletion closed is open.
with was as (
  select c.contact_id, c.deleted_at, s.row_number
    from stage_contact s join promo.contact c on c.contact_id = s.contact_id
   where c.deleted_at is not null and s.refused_for is null and s.row_number between %(first)s and %(last)s
   order by c.contact_id for update of c
), /* fragment come_back */
update stage_contact s set is_changed = true from was where was.row_number = s.row_number

-- insert_contacts --
-- What was not found is new.
with numbered as (
  update stage_contact
     set is_new = true, contact_id = nextval(pg_get_serial_sequence('promo.contact', 'contact_id'))
   where contact_id is null and refused_for is null and row_number between %(first)s and %(last)s
  returning contact_id, external_id, first_name, last_name, language, time_zone
)
insert into promo.contact (contact_id, external_id, first_name, last_name, language, time_zone)
overriding system value
select * from numbered order by contact_id

-- update_contacts --
-- Without a list, what was sent replaces what is there; with one, exactly the listed fields are written, absent ones emptied.
with wanted as (
  select s.row_number, s.contact_id,
         coalesce(s.external_id, c.external_id) as external_id,
         coalesce(s.language, c.language) as language,
         coalesce(s.time_zone, c.time_zone) as time_zone,
         case when %(listed)s::text[] is null then coalesce(s.first_name, c.first_name)
              when 'firstName' = any (%(listed)s::text[]) then s.first_name
              else c.first_name end as first_name,
         case when %(listed)s::text[] is null then coalesce(s.last_name, c.last_name)
              when 'lastName' = any (%(listed)s::text[]) then s.last_name
              else c.last_name end as last_name
    from stage_contact s
    join promo.contact c on c.contact_id = s.contact_id
   where s.refused_for is null and not s.is_new and s.row_number between %(first)s and %(last)s
), written as (
  update promo.contact c
     set external_id = w.external_id, first_name = w.first_name, last_name = w.last_name, language = w.language,
         time_zone = w.time_zone, updated_at = now()
    from wanted w
   where c.contact_id = w.contact_id and c.erased_at is null
     and (w.external_id, w.first_name, w.last_name, w.language, w.time_zone)
         is distinct from (c.external_id, c.first_name, c.last_name, c.language, c.time_zone)
  returning w.row_number
)
update stage_contact s set is_changed = true from written where written.row_number = s.row_number

-- empty_listed_channels --
-- A listed address or number that was not sent is taken off the contact, unless its owner wants nothing sent to it: that
-- must be known when it comes again.
with emptied as (
  delete from promo.contact_channel h
   using stage_contact s
   where h.contact_id = s.contact_id and s.refused_for is null and not s.is_new
     and s.row_number between %(first)s and %(last)s
     and promo.is_single_channel(h.type) and h.type = any (%(listed)s::text[])
     and (h.unsubscribed_at is null or h.closed_for in ('bounced', 'unregistered'))
     and not exists (select from stage_channel g where g.row_number = s.row_number and g.type = h.type)
  returning s.row_number
)
update stage_contact s set is_changed = true from emptied where emptied.row_number = s.row_number

-- update_channels --
-- Another address or number, another spelling, or news of the device.
with written as (
  update promo.contact_channel h
     set value = g.value, device = coalesce(g.device, h.device), updated_at = now(),
         change_no = default
    from stage_channel g
    join stage_contact s on s.row_number = g.row_number
   where s.refused_for is null and not s.is_new and h.contact_id = s.contact_id and h.type = g.type
     and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s
     and (promo.is_single_channel(h.type) or promo.channel_key(h.type, h.value) collate "C" = g.key)
     and (h.value, h.device) is distinct from (g.value, coalesce(g.device, h.device))
  returning g.row_number
)
update stage_contact s set is_changed = true from written where written.row_number = s.row_number

-- insert_channels --
-- Channels that are new; a rival that was faster makes this fail on a unique index.
with written as (
  insert into promo.contact_channel (contact_id, type, value, device)
  select s.contact_id, g.type, g.value, g.device
    from stage_channel g
    join stage_contact s on s.row_number = g.row_number
   where s.refused_for is null and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s
     and not exists (
           select from promo.contact_channel h
            where h.contact_id = s.contact_id and h.type = g.type
              and (promo.is_single_channel(h.type) or promo.channel_key(h.type, h.value) collate "C" = g.key))
   order by g.type, g.key
  returning contact_id
)
update stage_contact s set is_changed = true from written
 where written.contact_id = s.contact_id and s.row_number between %(first)s and %(last)s

-- delete_values --
-- Additional fields that were sent empty. The contacts come as an array, so that each is looked up: in a join the planner
-- may go through all values there are.
with emptied as materialized (
  select s.contact_id, g.field_id
    from stage_value g join stage_contact s on s.row_number = g.row_number
   where s.refused_for is null and g.value is null
     and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s
), written as (
  delete from promo.contact_field_value v
   where v.contact_id = any (array(select e.contact_id from emptied e))
     and (v.contact_id, v.contact_field_id) in (select e.contact_id, e.field_id from emptied e)
  returning v.contact_id
)
update stage_contact s set is_changed = true from written
 where written.contact_id = s.contact_id and s.row_number between %(first)s and %(last)s

-- upsert_values --
-- Additional fields that differ.
with written as (
  insert into promo.contact_field_value as v (contact_id, contact_field_id, value)
  select s.contact_id, g.field_id, g.value
    from stage_value g
    join stage_contact s on s.row_number = g.row_number
   where s.refused_for is null and g.value is not null
     and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s
   order by s.contact_id, g.field_id
  on conflict (contact_id, contact_field_id) do update
     set value = excluded.value, updated_at = now()
   where v.value is distinct from excluded.value
  returning contact_id
)
update stage_contact s set is_changed = true from written
 where written.contact_id = s.contact_id and s.row_number between %(first)s and %(last)s

-- put_addresses --
-- Parts of addresses that were sent; with a list, exactly the listed parts are written, absent ones emptied.
with written as (
  insert into promo.contact_address (contact_id, region, town, address, postcode)
  select s.contact_id, m.region, m.town, m.address, m.postcode
    from stage_address g
    join stage_contact s on s.row_number = g.row_number
    left join promo.contact_address a on a.contact_id = s.contact_id
   cross join lateral (
         select case when 'region' = any (%(listed)s::text[]) then g.region else coalesce(g.region, a.region) end as region,
                case when 'town' = any (%(listed)s::text[]) then g.town else coalesce(g.town, a.town) end as town,
                case when 'address' = any (%(listed)s::text[]) then g.address else coalesce(g.address, a.address) end as address,
                case when 'postcode' = any (%(listed)s::text[]) then g.postcode else coalesce(g.postcode, a.postcode) end as postcode) m
   where s.refused_for is null and g.row_number between %(first)s and %(last)s and s.row_number between %(first)s and %(last)s
     and (m.region, m.town, m.address, m.postcode) is distinct from (a.region, a.town, a.address, a.postcode)
   order by s.contact_id
  on conflict (contact_id) do update
     set region = excluded.region, town = excluded.town, address = excluded.address, postcode = excluded.postcode
  returning contact_id
)
update stage_contact s set is_changed = true from written
 where written.contact_id = s.contact_id and s.row_number between %(first)s and %(last)s

-- join_groups --
-- The contacts of a lot are put into groups.
with written as (
  insert into promo.contact_group_member (contact_group_id, contact_id)
  select named.group_id, s.contact_id
    from stage_contact s, unnest(%(joins)s::bigint[]) named (group_id)
   where s.refused_for is null and s.row_number between %(first)s and %(last)s
   order by named.group_id, s.contact_id
  on conflict do nothing
  returning contact_id
)
update stage_contact s set is_changed = true from written
 where written.contact_id = s.contact_id and s.row_number between %(first)s and %(last)s

-- leave_groups --
-- They are taken out of groups. As an array, so that each is looked up: in a join the planner may go through all members.
with written as (
  delete from promo.contact_group_member m
   where m.contact_group_id = any (%(leaves)s::bigint[])
     and m.contact_id = any (array(
       select s.contact_id from stage_contact s
        where s.refused_for is null and s.row_number between %(first)s and %(last)s))
  returning m.contact_id
)
update stage_contact s set is_changed = true from written
 where written.contact_id = s.contact_id and s.row_number between %(first)s and %(last)s

-- add_events --
-- An event for each contact that is new, for every workflow that listens to its type.
with added as (
  insert into promo.event (type, key, contact_id, params, token)
  select %(event_type)s, s.contact_id::text, s.contact_id, jsonb_build_object('contactId', s.contact_id), gen_random_uuid()
    from stage_contact s
   where s.is_new and s.refused_for is null and s.row_number between %(first)s and %(last)s
  returning event_id, type, contact_id, received_at
)
insert into promo.event_queue (event_id, workflow, contact_id, received_at)
select a.event_id, l.workflow, a.contact_id, a.received_at
  from added a join promo.event_listener l on l.type = a.type

-- count_outcomes --
-- What the load did, in numbers.
select count(*) filter (where refused_for is null and is_new) as inserted,
       count(*) filter (where refused_for is null and not is_new and is_changed) as updated,
       count(*) filter (where refused_for is null and not is_new and not is_changed) as unchanged,
       count(*) filter (where refused_for is not null) as rejected
  from stage_contact

-- list_rejects --
-- The first rows that were refused, with the reason.
select row_number, coalesce(place, '') as place, refused_for
  from stage_contact
 where refused_for is not null
 order by row_number
 limit %(limit)s
