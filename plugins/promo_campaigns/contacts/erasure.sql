-- find_contact --
-- A contact by its id or external id, also by one that was erased.
select c.contact_id
from promo.contact c
where c.contact_id = %(contact_id)s or c.external_id = %(external_id)s
   or c.contact_id = (
     select e.contact_id from promo.erasure_key k
     join promo.erased_identity e
       on e.digest = promo.identity_digest(k.inner_pad, k.outer_pad, 'external id', %(external_id)s));

-- strip_imports --
-- Takes the contact out of the bulk requests that wait. Before the contact's row is locked, as an import does it. The
-- requests are locked before they are read, so that two erasures do not put back whom the other took out.
with person as (
  select external_id as identity from promo.contact where contact_id = %(contact_id)s and external_id is not null
), locators as (
  select type, promo.channel_key(type, value) collate "C" as key from promo.contact_channel where contact_id = %(contact_id)s
), queued as materialized (
  select contact_import_id, request from promo.contact_import where state = 'queued' order by contact_import_id for update
), kept as (
  select i.contact_import_id, q.entry, q.position,
         q.entry ->> 1 = %(contact_id)s::text or q.entry ->> 4 in (select identity from person)
         or exists (
           select from jsonb_array_elements(q.entry -> 2) as sent (channel)
           join locators l on l.type = sent.channel ->> 0
             and l.key = promo.channel_key(sent.channel ->> 0, sent.channel ->> 1) collate "C") as is_theirs
  from queued i, jsonb_array_elements(i.request -> 'rows') with ordinality as q (entry, position)
)
update promo.contact_import i set request = jsonb_set(i.request, '{rows}', others.entries)
from (
  select contact_import_id,
         coalesce(jsonb_agg(entry order by position) filter (where is_theirs is not true), '[]') as entries
  from kept group by contact_import_id having bool_or(is_theirs)
) others
where i.contact_import_id = others.contact_import_id;

-- lock_contact --
-- Holds the contact, so that nobody writes to it meanwhile.
select erased_at is not null as erased from promo.contact where contact_id = %(contact_id)s for update;

-- lock_assignments --
-- Holds the contact's place in every run, so that nobody begins to send to it; how long a call under way may still take.
select coalesce(max(extract(epoch from held.lease_until - promo.clock())), 0)::float8 as wait_s
from (
  select lease_until from promo.assignment where contact_id = %(contact_id)s order by run_id for update
) held;

-- keep_digests --
-- What recognises the contact's identifiers when they come again.
insert into promo.erased_identity (digest, contact_id)
select promo.identity_digest(k.inner_pad, k.outer_pad, i.kind, i.key), %(contact_id)s
from promo.erasure_key k, (
  select 'external id' as kind, external_id as key from promo.contact where contact_id = %(contact_id)s and external_id is not null
  union all
  select type, promo.channel_key(type, value) from promo.contact_channel where contact_id = %(contact_id)s
) i
on conflict (digest) do nothing;

-- erase_identity --
-- Everything that says who the contact is; a message that was kept for it keeps its key, and nothing else.
with channels as (
  delete from promo.contact_channel where contact_id = %(contact_id)s returning contact_id
), field_values as (
  delete from promo.contact_field_value where contact_id = %(contact_id)s returning contact_id
), messages as (
  update promo.inbox_message set locator = '', title = '', body = '', html = ''
  where contact_id = %(contact_id)s and (locator, title, body, html) <> ('', '', '', '') returning contact_id
), answers as (
  delete from promo.answer w using promo.assignment a
  where a.contact_id = %(contact_id)s and w.run_id = a.run_id and w.contact_id = a.contact_id
), told as (
  delete from promo.audience_value v using promo.assignment a
  where a.contact_id = %(contact_id)s and v.run_id = a.run_id and v.contact_id = a.contact_id
), matched as (
  delete from promo.match_value v using promo.assignment a
  where a.contact_id = %(contact_id)s and v.run_id = a.run_id and v.contact_id = a.contact_id
), events as (
  update promo.event e
  set key = null, params = null,
      kept = exists (select from promo.event_queue t where t.event_id = e.event_id and t.run_id is not null)
  where e.contact_id = %(contact_id)s and e.params is not null
), orders as (
  -- A digest stays in place of the order, so that the shop's next file does not bring it back.
  update promo.redemption d
  set order_id = 'erased ' || encode(promo.identity_digest(k.inner_pad, k.outer_pad, 'order', d.order_id), 'hex')
  from promo.erasure_key k where d.person_id = %(contact_id)s and d.order_id !~ '^erased [0-9a-f]{64}$'
), lived as (
  delete from promo.contact_address where contact_id = %(contact_id)s
), bought as (
  delete from promo.shop_order where contact_id = %(contact_id)s
), groups as (
  delete from promo.contact_group_member where contact_id = %(contact_id)s
), named as (
  update promo.contact
  set external_id = null, first_name = null, last_name = null, language = null, time_zone = null, updated_at = promo.clock(),
      erased_at = promo.clock(), deleted_at = null
  where contact_id = %(contact_id)s and erased_at is null
)
select (select count(*) from channels) as channels, (select count(*) from field_values) as field_values,
       (select count(*) from messages) as messages;

-- find_erased --
-- The first of these identifiers that was erased: position 0 is the external id, the others are channels as they were sent.
select i.position, e.contact_id
from promo.erasure_key k, (
  select 0 as position, 'external id' as kind, %(external_id)s::text as key
  union all
  select s.position::int, s.type, promo.channel_key(s.type, s.value)
  from unnest(%(types)s::text[], %(locators)s::text[]) with ordinality s (type, value, position)
) i
join promo.erased_identity e on true
where e.digest = promo.identity_digest(k.inner_pad, k.outer_pad, i.kind, i.key)
order by i.position limit 1;

-- forget_digests --
-- The contact may be taken up again.
delete from promo.erased_identity where contact_id = %(contact_id)s;

-- readmit_contact --
-- The contact is one like any other again, under the identifier that came.
with back as (
  update promo.contact set erased_at = null, external_id = %(external_id)s, updated_at = promo.clock()
  where contact_id = %(contact_id)s returning contact_id
)
insert into promo.contact_channel (contact_id, type, value)
select back.contact_id, s.type, s.value from back, unnest(%(types)s::text[], %(locators)s::text[]) s (type, value);

-- count_identity --
-- What erasing a contact would take away, and for how long a send to it that is under way may still take.
select c.erased_at is not null as already,
       (select count(*) from promo.contact_channel h where h.contact_id = c.contact_id) as channels,
       (select count(*) from promo.contact_field_value v where v.contact_id = c.contact_id) as field_values,
       (select count(*) from promo.inbox_message m
        where m.contact_id = c.contact_id and (m.locator, m.title, m.body, m.html) <> ('', '', '', '')) as messages,
       (select count(*) from promo.assignment a where a.contact_id = c.contact_id and a.promo_code_id is not null) as codes,
       (select coalesce(max(extract(epoch from a.lease_until - promo.clock())), 0)::float8
        from promo.assignment a where a.contact_id = c.contact_id) as wait_s
from promo.contact c where c.contact_id = %(contact_id)s;
