CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, city text);

-- Puts into the log what a row was before a change, too.
ALTER TABLE customers REPLICA IDENTITY FULL;
