-- Codes can be drawn here: a set of them has a key, by which it is made once.

-- part: locked on promo.code_file --
create table promo.generated_codes (
  idempotency_key text        primary key check (idempotency_key <> ''),
  code_file_id    bigint      not null unique references promo.code_file,
  pattern         text        not null check (pattern <> ''),
  codes           bigint      not null check (codes > 0),
  terms           jsonb       not null,
  made_at         timestamptz not null default promo.clock()
);
comment on table promo.generated_codes is 'A set of codes that was drawn here, not uploaded. Its key makes one set, however often it is asked for.';
-- How many codes of a pattern there are: what a guess of it can hit.
create index generated_codes_pattern on promo.generated_codes (promo.code_key(pattern));
