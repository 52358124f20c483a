-- What the inbox transport keeps has its HTML. No row is read.

-- part: locked on promo.inbox_message --
alter table promo.inbox_message add column html text not null default '';
