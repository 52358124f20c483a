-- Whether a file that comes again was withdrawn is looked up, and not searched for among all that ever were.

-- part: online --
create index concurrently code_file_withdrawn on promo.code_file (sha256) where withdrawn_at is not null;
