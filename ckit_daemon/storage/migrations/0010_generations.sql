-- What was generated, from what, and the files as they were before: for ckit/generation/explain and ckit/code/undo.
CREATE TABLE generations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    repository TEXT NOT NULL,
    entity TEXT,
    record BLOB NOT NULL
) STRICT;

CREATE INDEX generations_by_entity ON generations (repository, entity, number);
