-- Vectors by what was embedded. `used_on` is a number of days since 1970: one write a day is enough to know what is old.
CREATE TABLE vector (
    embedder TEXT NOT NULL,
    hash TEXT NOT NULL,
    data BLOB NOT NULL,
    used_on INTEGER NOT NULL,
    PRIMARY KEY (embedder, hash)
) STRICT;
CREATE INDEX vector_used ON vector (used_on);
