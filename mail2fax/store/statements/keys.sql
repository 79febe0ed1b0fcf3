-- add_key: A key is made.
INSERT INTO keys (name, value) VALUES (:name, :value);

-- find_key: A key by what it is for.
SELECT value FROM keys WHERE name = :name;
