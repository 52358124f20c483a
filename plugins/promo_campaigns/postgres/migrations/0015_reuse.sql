-- A contact may be given again the code it holds. So a code is held by as many assignments as gave it, but by one contact
-- at most: the code says whose it is, and an assignment can hold it only for that contact.

-- part: locked on promo.promo_code --
alter table promo.promo_code
  add column held_by bigint,
  add column again smallint not null default 0,
  add constraint promo_code_free check (held_by is null or issued_at is not null) not valid,
  add constraint promo_code_again check (again = 0 or (again > 0 and held_by is not null)) not valid;
comment on column promo.promo_code.held_by is 'The contact whose it is, as long as an assignment holds it; nobody else can hold it.';
comment on column promo.promo_code.again is 'How many more assignments hold it than the one it was claimed for: its contact was given it again.';
comment on column promo.promo_code.issued_at is 'When it was claimed for the first of the live assignments that hold it; null when nobody holds it.';

-- part: online --
create unique index concurrently promo_code_held_by on promo.promo_code (held_by, promo_code_id);

-- part: locked on promo.promo_code, promo.assignment --
-- Whatever is given out from now on has its holder. A code cannot become free while anybody holds it.
alter table promo.promo_code add constraint promo_code_held_by unique using index promo_code_held_by;
alter table promo.assignment
  drop constraint assignment_promo_code_id_fkey,
  add constraint assignment_code_is_the_contacts
    foreign key (contact_id, promo_code_id) references promo.promo_code (held_by, promo_code_id) not valid,
  add column reused_at timestamptz;
comment on column promo.assignment.reused_at is
  'When the contact was given again a code it held already; null if its code was claimed for this run.';

-- part: batches of promo.promo_code by promo_code_id --
update promo.promo_code p set held_by = a.contact_id
from promo.assignment a
where a.promo_code_id = p.promo_code_id and p.held_by is null
  and p.promo_code_id > %(low)s and p.promo_code_id <= %(high)s
  and a.promo_code_id > %(low)s and a.promo_code_id <= %(high)s;

-- part: online --
alter table promo.promo_code validate constraint promo_code_free, validate constraint promo_code_again;

-- part: online --
alter table promo.assignment validate constraint assignment_code_is_the_contacts;

-- part: online --
-- In place of this index, by which one assignment at most held a code, stands the key above.
drop index concurrently if exists promo.assignment_code_held_once;

-- part: online --
-- What a claim writes more than before it saves here: a file is withdrawn seldom, a code claimed all the time, and a claim
-- moves its row and has an entry made in every index of this kind.
create index concurrently promo_code_file_range on promo.promo_code using brin (code_file_id);

-- part: locked on promo.promo_code --
drop index promo.promo_code_file;
alter index promo.promo_code_file_range rename to promo_code_file;

-- part: locked on promo.run --
alter table promo.run add column reuses boolean not null default false;
comment on column promo.run.reuses is 'Whether a contact that holds a code of the pool which is valid long enough is given that one again.';

-- The code of a pool that a contact may be given again: one that it holds and that is valid until then, of several the
-- one it was given last. It returns rows, so that the planner puts the body in place of the call.
create function promo.code_to_reuse(a_contact bigint, a_type text, a_discount smallint, valid_until timestamptz)
  returns table (promo_code_id bigint, code text, expires_at timestamptz)
  language sql stable
begin atomic
  select p.promo_code_id, p.code, p.expires_at
  from promo.assignment h join promo.promo_code p on p.promo_code_id = h.promo_code_id
  where h.contact_id = a_contact and h.promo_code_id is not null
    and p.type = a_type and p.discount = a_discount and not p.retired and p.expires_at >= valid_until
  order by h.run_id desc limit 1;
end;
