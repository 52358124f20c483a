-- by_ids --
-- An audience that was given as contact ids.
select unnest(%(contact_ids)s::bigint[]) as contact_id

-- count_contact_ids --
-- How many of the ids are those of contacts.
select count(*) as known from (select distinct id from unnest(%(values)s::text[]::bigint[]) id) named
join promo.contact c on c.contact_id = named.id and c.erased_at is null;

-- count_external_ids --
-- How many of the external ids are those of contacts.
select count(*) as known from promo.contact where external_id = any(%(values)s::text[]);

-- count_locators --
-- How many of a channel's values are those of contacts.
select count(distinct named.value) as known
/* fragment whose_locators */;

-- count_selected --
-- How many of those whom a SELECT names are nobody: an id that there is not, and each row without one.
select coalesce(sum(case when named.contact_id is null then named.times else 1 end), 0)::bigint as strangers
from (
  select audience.contact_id, count(*) as times from (
/* audience */
  ) audience group by audience.contact_id
) named
where not exists (select from promo.contact c where c.contact_id = named.contact_id)

-- by_contact_id --
-- A list of contact ids.
select unnest(%(values)s::text[]::bigint[]) as contact_id

-- by_external_id --
-- A list of external ids; those of nobody fall away.
select contact_id from promo.contact where external_id = any(%(values)s::text[])

-- by_channel --
-- A list of a channel's values; those of nobody fall away.
select h.contact_id
/* fragment whose_locators */

-- first_of --
-- The first contact of an audience, to find out whether its SELECT can be run.
select a.contact_id::bigint
from (
/* audience */
) a
limit 1

-- read_some_contacts --
-- A few contacts of an audience, whichever its SELECT yields first.
select distinct a.contact_id::bigint as contact_id
from (
  select inner_audience.contact_id from (
/* audience */
  ) inner_audience limit %(limit)s
) a

-- count_up_to --
-- How many contacts an audience has, counted up to a limit.
select count(*) as contacts
from (
  select distinct inner_audience.contact_id from (
/* audience */
  ) inner_audience limit %(limit)s
) a

-- limit_time --
-- How long a statement of this transaction may take.
select set_config('statement_timeout', %(ms)s, true);
