-- One table of what somebody was told of, whatever it is: the levels of the stock that were told of move into it.

-- part: locked --
create table promo.alert (
  kind    text        not null check (kind <> ''),
  subject text        not null check (subject <> ''),
  told_at timestamptz not null default promo.clock(),
  primary key (kind, subject)
);
comment on table promo.alert is 'What somebody was told of: a level that the stock has reached, a run that is stuck. The row goes when it is over.';

-- part: online --
insert into promo.alert (kind, subject, told_at)
select 'low_stock', type || '/' || level || '/' || amount, told_at from promo.stock_level
on conflict do nothing;

-- part: locked on promo.stock_level --
drop table promo.stock_level;
