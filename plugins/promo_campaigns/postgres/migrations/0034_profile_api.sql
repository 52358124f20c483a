-- What callers of the profile API may do: import a file of contacts, which is queued in parts of one session.

-- part: online --
create index concurrently contact_import_session on promo.contact_import (session_id);

-- part: locked on promo.contact_import --
alter table promo.contact_import drop constraint contact_import_session_id_key;
comment on column promo.contact_import.session_id is 'By which its caller asks for it. A file has a row for each few thousand of its lines, all with one id.';
