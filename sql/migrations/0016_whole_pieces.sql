-- A compressed piece stays in its row as long as that fits on a page. Aside it would lie in rows of 2 KB with an index of
-- their own: a page more to read, and for a train with little to keep more than its pieces take.
ALTER TABLE pieces ALTER COLUMN bytes SET STORAGE MAIN;
