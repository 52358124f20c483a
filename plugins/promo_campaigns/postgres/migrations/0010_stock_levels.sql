-- Which levels the stock has reached and somebody was told of, so that nobody is told every day.

create table promo.stock_level (
  type    text        not null,
  level   text        not null check (level in ('warning', 'alarm')),
  amount  bigint      not null check (amount >= 0),
  told_at timestamptz not null default promo.clock(),
  primary key (type, level, amount)
);
comment on table promo.stock_level is 'A level that the free codes of a type have reached. The row goes when they rise above it again.';
