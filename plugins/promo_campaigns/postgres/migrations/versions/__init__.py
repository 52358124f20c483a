"""One revision a file, named as the SQL file it runs."""
