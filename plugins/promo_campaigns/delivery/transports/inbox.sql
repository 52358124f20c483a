-- keep_messages --
-- Stores messages; one whose key is known is the same message again and changes nothing.
insert into promo.inbox_message (idempotency_key, contact_id, channel, locator, title, body, html, received_at)
select told.*, (select promo.clock())
from unnest(%(keys)s::uuid[], %(contact_ids)s::bigint[], %(channels)s::text[], %(locators)s::text[],
            %(titles)s::text[], %(bodies)s::text[], %(htmls)s::text[]) told
on conflict (idempotency_key) do nothing;

-- known_keys --
-- Which of these keys have arrived.
select idempotency_key::text as key from promo.inbox_message where idempotency_key = any(%(keys)s::uuid[]);

-- read_messages --
-- The newest messages.
select contact_id, channel, locator, title, body, received_at from promo.inbox_message
order by received_at desc, idempotency_key limit %(limit)s;

-- read_messages_of_contact --
-- The newest messages of one contact.
select contact_id, channel, locator, title, body, received_at from promo.inbox_message
where contact_id = %(contact_id)s
order by received_at desc, idempotency_key limit %(limit)s;

-- messages_before --
-- The newest messages that came before one.
select idempotency_key::text as key, contact_id, channel, locator, title, body, received_at from promo.inbox_message
where received_at <= %(at)s and (received_at, idempotency_key) < (%(at)s, %(key)s::uuid)
order by received_at desc, idempotency_key desc limit %(limit)s;

-- message_of_key --
-- One message, whole.
select idempotency_key::text as key, contact_id, channel, locator, title, body, html, received_at from promo.inbox_message
where idempotency_key = %(key)s::uuid;
