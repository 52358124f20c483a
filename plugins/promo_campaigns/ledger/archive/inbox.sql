-- next_messages --
-- The last of the next messages that the inbox was given so many days ago; no row if there are no more.
select received_at, idempotency_key from (
  select received_at, idempotency_key from promo.inbox_message
  where received_at < promo.clock() - make_interval(days => %(days)s)
    and (received_at, idempotency_key) > (%(after)s::timestamptz, %(after_key)s::uuid)
  order by received_at, idempotency_key limit %(limit)s
) batch order by received_at desc, idempotency_key desc limit 1;

-- drop_messages --
-- Messages go, but of contacts for whom a send is under way or of unknown outcome: made again, it is known by its key.
delete from promo.inbox_message m
where m.received_at >= %(after)s::timestamptz and m.received_at <= %(last)s::timestamptz
  and (m.received_at, m.idempotency_key) > (%(after)s::timestamptz, %(after_key)s::uuid)
  and (m.received_at, m.idempotency_key) <= (%(last)s::timestamptz, %(last_key)s::uuid)
  and not exists (
    select from promo.assignment a where a.contact_id = m.contact_id and a.state in ('assigned', 'sending', 'unknown'));

-- count_messages --
-- How many messages are as old, and how many events that hold what callers said.
select (select count(*) from promo.inbox_message
        where received_at < promo.clock() - make_interval(days => %(inbox_days)s)) as messages,
       (select count(*) from promo.event
        where params is not null and received_at < promo.clock() - make_interval(days => %(event_days)s)) as events;
