-- Secrets that the gateway has made for itself, by what they are for. Who has one could make what it vouches for.
CREATE TABLE keys (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
