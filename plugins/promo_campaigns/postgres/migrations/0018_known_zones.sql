-- Which time zones the server knows: what Python knows is read from other files.

create function promo.knows_zone(zone text) returns boolean
  language plpgsql stable parallel unsafe set search_path = pg_catalog
as $$
begin
  return timestamp '2000-01-01' at time zone zone is not null;
exception when invalid_parameter_value then
  return false;
end
$$;
comment on function promo.knows_zone is 'Whether the server can tell the time in a zone, without an error where it cannot.';
