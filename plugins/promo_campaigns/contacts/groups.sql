-- find_groups --
-- The groups of these names, in any case.
select distinct g.contact_group_id as group_id
from unnest(%(names)s::text[]) named(name)
join promo.contact_group g on lower(g.name) collate "C" = lower(named.name) collate "C"
order by group_id;

-- add_groups --
-- Groups of these names, unless there are too many; a rival may have made one of them just now.
insert into promo.contact_group (name)
select named.name from unnest(%(names)s::text[]) named(name)
where (select count(*) from promo.contact_group) + cardinality(%(names)s::text[]) <= %(most)s
order by lower(named.name) collate "C"
on conflict (lower(name) collate "C") do nothing;

-- find_group --
-- A group by its id.
select contact_group_id as group_id, name from promo.contact_group where contact_group_id = %(group_id)s;

-- list_groups --
-- The groups after one, by id.
select contact_group_id as group_id, name from promo.contact_group
where contact_group_id > %(after)s order by contact_group_id limit %(limit)s;

-- list_groups_by_name --
-- The groups after one whose names have a part in common.
select contact_group_id as group_id, name from promo.contact_group
where contact_group_id > %(after)s and position(lower(%(name)s) in lower(name)) > 0
order by contact_group_id limit %(limit)s;

-- make_subscriptions --
-- These groups are categories from now on.
update promo.contact_group set is_subscription = true
where contact_group_id = any(%(group_ids)s::bigint[]) and not is_subscription;

-- list_subscriptions --
-- All categories.
select contact_group_id as group_id, name, created_at from promo.contact_group
where is_subscription order by contact_group_id;

-- subscriptions_of --
-- The categories that a contact is subscribed to.
select g.contact_group_id as group_id, g.name
from promo.contact_group_member m join promo.contact_group g using (contact_group_id)
where m.contact_id = %(contact_id)s and g.is_subscription
order by g.contact_group_id;

-- leave_subscriptions --
-- A contact leaves all categories but some.
delete from promo.contact_group_member m
using promo.contact_group g
where m.contact_id = %(contact_id)s and g.contact_group_id = m.contact_group_id and g.is_subscription
  and m.contact_group_id <> all(%(group_ids)s::bigint[]);

-- join_groups --
-- One contact, several groups.
insert into promo.contact_group_member (contact_group_id, contact_id)
select named.group_id, %(contact_id)s from unnest(%(group_ids)s::bigint[]) named(group_id)
order by named.group_id
on conflict do nothing;

-- attach --
-- One group, several contacts; those that were erased or deleted are none.
insert into promo.contact_group_member (contact_group_id, contact_id)
select %(group_id)s, c.contact_id
from unnest(%(contact_ids)s::bigint[]) named(contact_id)
join promo.contact c on c.contact_id = named.contact_id and c.erased_at is null and c.deleted_at is null
order by c.contact_id
on conflict do nothing
returning contact_id;

-- detach --
-- Out of one group.
delete from promo.contact_group_member
where contact_group_id = %(group_id)s and contact_id = any(%(contact_ids)s::bigint[])
returning contact_id;
