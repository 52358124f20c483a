-- One code may be shared by all those for whom the pool has none.

-- part: locked on promo.promo_code --
alter table promo.promo_code
  add column shared boolean not null default false,
  add constraint promo_code_shared check (not shared or (retired and twin)) not valid;
comment on column promo.promo_code.twin is 'The same code as another one: but for how its letters are composed, from before these were compared; or shared.';
comment on column promo.promo_code.shared is 'A copy of a workflow''s fallback code, one for each contact that holds it; it was never in the pool, and never will be.';

-- part: online --
alter table promo.promo_code validate constraint promo_code_shared;
