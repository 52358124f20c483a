-- lay_out --
-- Make bare tables with the columns, indexes and checks of the product's, and nothing that looks after them.
create schema by_hand;
create table by_hand.code (code text collate "C" primary key, expires_at timestamptz not null, held_by bigint);
create index on by_hand.code (expires_at) where held_by is null;
create table by_hand.assignment (contact_id bigint primary key, code text not null);
create table by_hand.inbox_message (like promo.inbox_message including all);
create table by_hand.attempt (like promo.attempt including all);

-- copy_codes --
-- Load the codes, and look after nothing.
copy by_hand.code (code, expires_at) from stdin

-- claim --
-- Give each contact the next free code, and note who has which, in one statement.
with free as (
  select code, row_number() over () as place
  from (select code from by_hand.code where held_by is null order by expires_at limit %(contacts)s for update skip locked) f
), taken as (
  update by_hand.code c set held_by = free.place from free where c.code = free.code returning c.code, c.held_by
)
insert into by_hand.assignment (contact_id, code) select held_by, code from taken

-- insert_messages --
-- Write the rows that the inbox keeps of a campaign.
insert into by_hand.inbox_message (idempotency_key, contact_id, channel, locator, title, body)
select gen_random_uuid(), contact_id, 'mobilepush', 'token-' || contact_id, 'Hi Name ' || contact_id, 'Your code: ' || code
from by_hand.assignment

-- insert_attempts --
-- Write the rows that the ledger keeps of a campaign's calls: each contact's message, and its profile.
insert into by_hand.attempt
  (run_id, contact_id, promo_code_id, lease_token, finished_at, purpose, outcome, detail, outcome_id)
select 1, contact_id, contact_id, contact_id, now(), purpose, 'ok', '', contact_id
from by_hand.assignment, unnest(array['message', 'profile']) purpose
