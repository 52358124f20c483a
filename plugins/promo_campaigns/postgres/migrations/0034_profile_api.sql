-- What callers of the profile API may do: import a file of contacts, which is queued in parts of one session, and say
-- which categories a contact is subscribed to, each of which is a group.

-- part: online --
create index concurrently contact_import_session on promo.contact_import (session_id);

-- part: locked on promo.contact_import --
alter table promo.contact_import drop constraint contact_import_session_id_key;
comment on column promo.contact_import.session_id is 'By which its caller asks for it. A file has a row for each few thousand of its lines, all with one id.';

-- part: locked on promo.contact_group --
alter table promo.contact_group add column is_subscription boolean not null default false;
comment on column promo.contact_group.is_subscription is 'Whether it is a category that contacts subscribe to by its name: its members are who did.';

-- part: online --
create index concurrently contact_group_subscription on promo.contact_group (contact_group_id) where is_subscription;
