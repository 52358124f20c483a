-- The zone in which a file's dates were read, so that a message can name the day a code was sold for.

-- part: locked on promo.code_file --
alter table promo.code_file add column time_zone text;
comment on column promo.code_file.time_zone is 'IANA name of the zone in which its dates were read; null for UTC, and where nobody noted it.';
