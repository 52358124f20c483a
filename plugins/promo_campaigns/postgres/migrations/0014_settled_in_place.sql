-- What the ledger pays per contact, once more.

-- part: online --
-- Every attempt is settled once, and its row grows by what it came to: with half of each page free, all of them find room
-- in place, and neither index hears of it. Rows that move would take as much room, and two entries in the indexes each.
alter table promo.attempt set (fillfactor = 50);
