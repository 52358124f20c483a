-- Codes can be shown as pictures behind links that are signed.

-- part: locked --
create table promo.picture_key (
  one boolean primary key default true check (one),
  key bytea   not null check (octet_length(key) = 64)
);
comment on table promo.picture_key is 'With what the links to pictures of codes are signed. Another key ends every link that was sent.';

-- part: online --
insert into promo.picture_key (key)
select string_agg(uuid_send(gen_random_uuid()), '') from generate_series(1, 4)
on conflict (one) do nothing;
