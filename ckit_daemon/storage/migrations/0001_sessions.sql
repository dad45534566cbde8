-- `record` is the JSON of the wire contract; the columns beside it are what is searched for, or what changes more
-- often than the rest. The checks let a salvage leave out rows that came out of a damaged file as garbage.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    repository TEXT NOT NULL,
    folded_title TEXT NOT NULL,
    archived INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    usage TEXT NOT NULL CHECK (json_valid(usage)),
    record TEXT NOT NULL CHECK (json_valid(record))
);
CREATE INDEX sessions_by_use ON sessions (archived, updated_at);
CREATE INDEX sessions_by_repository ON sessions (repository, archived, updated_at);

CREATE TABLE turns (
    id TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    record TEXT NOT NULL CHECK (json_valid(record)),
    UNIQUE (session_id, number)
);

-- `began` is the sequence number of the first event about the item, `seq` that of the newest.
CREATE TABLE items (
    id TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    turn_id TEXT NOT NULL REFERENCES turns ON DELETE CASCADE,
    began INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    record TEXT NOT NULL CHECK (json_valid(record)),
    UNIQUE (session_id, seq)
);
CREATE INDEX items_by_turn ON items (turn_id);

-- Who may write to a session; there is a row as long as a turn runs.
CREATE TABLE leases (
    session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions ON DELETE CASCADE,
    turn_id TEXT NOT NULL REFERENCES turns ON DELETE CASCADE,
    owner TEXT NOT NULL
);
