-- add_key --
-- A key for a client, unless it has one or there are too many.
insert into promo.api_key (name, digest, scopes, per_second, created_by)
select %(name)s, %(digest)s, %(scopes)s, %(per_second)s, %(actor)s
where (select count(*) from promo.api_key where revoked_at is null) < %(most)s
on conflict (name) where revoked_at is null do nothing
returning api_key_id;

-- list_keys --
-- The newest keys, revoked ones included.
select name, scopes, per_second, created_at, created_by, revoked_at
from promo.api_key order by api_key_id desc limit %(most)s;

-- revoke_key --
-- The client's key is worth nothing from now on.
update promo.api_key set revoked_at = promo.clock(), revoked_by = %(actor)s where name = %(name)s and revoked_at is null;

-- read_keys --
-- What is worth something.
select name, digest, scopes, per_second from promo.api_key where revoked_at is null order by api_key_id limit %(most)s;
