-- begin_reading --
-- One moment's view of the store, in which nothing can be written.
set transaction isolation level repeatable read, read only;
