-- Codes that were used in a shop come back.

-- part: locked on promo.promo_code --
-- Neither codes nor runs nor contacts are ever deleted, so foreign keys would check nothing that can fail.
create table promo.redemption (
  redemption_id bigint      generated always as identity primary key,
  redeemed_at   timestamptz not null,
  received_at   timestamptz not null default promo.clock(),
  promo_code_id bigint,
  owner_id      bigint,
  contact_id    bigint,
  run_id        bigint,
  order_id      text        not null check (order_id <> ''),
  code          text        not null check (code <> ''),
  amount        numeric     check (amount >= 0),
  currency      text        check (currency ~ '^[A-Z]{3}$'),
  finding       text        check (finding in ('no such code', 'never given', 'not the owner', 'before it was sent')),
  source        text        not null check (source <> ''),
  person_id     bigint      generated always as (coalesce(contact_id, owner_id)) stored,
  constraint redemption_amount check ((amount is null) = (currency is null)),
  constraint redemption_of_a_code check ((promo_code_id is null) = (finding is not distinct from 'no such code'))
);
comment on table promo.redemption is 'A code that was used in a shop, once for each order and code: what the shop has said of it.';
comment on column promo.redemption.owner_id is 'The contact that held the code when it was told of.';
comment on column promo.redemption.contact_id is 'Whose order it was; null if the shop does not say, or means nobody we know.';
comment on column promo.redemption.run_id is 'Which run gave the code: the last one that sent it before it was redeemed.';
comment on column promo.redemption.order_id is 'As the shop calls it; a digest once the person was erased.';
comment on column promo.redemption.person_id is 'Who is taken to have redeemed it: whose order it was, else whose code.';
comment on column promo.redemption.finding is 'What is odd about it; null if nothing is.';
create unique index redemption_once on promo.redemption (order_id, promo.code_key(code) collate "C");
create index redemption_run on promo.redemption (run_id) where run_id is not null;
-- Not of those alone who have a person: all of such an index may seem as cheap to the planner as one of its rows.
create index redemption_person on promo.redemption (person_id);
create index redemption_time on promo.redemption (redeemed_at);
create index redemption_finding on promo.redemption (redemption_id) where finding is not null;

create table promo.redemption_source (
  name      text        primary key check (name <> ''),
  watermark timestamptz not null,
  read_at   timestamptz not null default promo.clock()
);
comment on table promo.redemption_source is 'How far a table of redemptions elsewhere was read: the newest moment in it.';
comment on column promo.promo_code.seen_at is
  'When it was taken from somebody for whom a data source had seen it already, or a shop told that it was used: it never
becomes free again.';
