-- delete_contact --
-- The contact is gone; what closed its channels is known by the moment, which both have in common.
with gone as (
  update promo.contact set deleted_at = now(), updated_at = now()
  where contact_id = %(contact_id)s and erased_at is null and deleted_at is null
  returning contact_id
), closed as (
  update promo.contact_channel h set unsubscribed_at = now()
  from gone where h.contact_id = gone.contact_id and h.unsubscribed_at is null
)
select contact_id from gone;

-- restore_contact --
-- The contact is back, and what its deletion closed is open.
with was as (
  select contact_id, deleted_at from promo.contact where contact_id = %(contact_id)s and deleted_at is not null for update
), /* fragment come_back */
select contact_id from was;
