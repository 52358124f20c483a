-- Orders of shops, and events of the past. No row is read.

-- part: locked on promo.event --
alter table promo.event add column occurred_at timestamptz;
comment on column promo.event.occurred_at is 'When it happened, if it was sent as one of the past: no workflow answers it.';

-- part: locked --
create table promo.shop_order (
  shop_order_id bigint      generated always as identity primary key,
  external_id   text        not null unique check (external_id <> ''),
  contact_id    bigint,
  status        text        not null check (status in (
    'INITIALIZED', 'IN_PROGRESS', 'DELIVERED', 'CANCELLED', 'ABANDONED_SHOPPING_CART')),
  ordered_at    timestamptz not null,
  total         numeric     not null,
  currency      text        not null check (currency ~ '^[A-Z]{3}$'),
  details       jsonb       not null,
  received_at   timestamptz not null default promo.clock()
);
comment on table promo.shop_order is 'An order as the shop has told of it last; it goes when its contact is erased.';
comment on column promo.shop_order.details is 'Whatever else the shop has said of it: goods, addresses, ways of delivery.';
create index shop_order_contact on promo.shop_order (contact_id, ordered_at);
create trigger shop_order_of_nobody_erased after insert on promo.shop_order
  referencing new table as added for each statement execute function promo.refuse_erased();
