-- Columns of audiences that other databases are asked for.

-- part: locked --
-- Such rows are only ever made together with those of their assignments, which are never deleted: a foreign key would check nothing.
create table promo.audience_value (
  run_id     bigint not null,
  contact_id bigint not null,
  value      jsonb  not null check (jsonb_typeof(value) = 'object'),
  primary key (run_id, contact_id)
);
comment on table promo.audience_value is 'What the audience of another database told of a contact when its run was opened: type and text by column. Read by the texts of this run alone.';
