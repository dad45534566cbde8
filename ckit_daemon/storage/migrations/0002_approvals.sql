CREATE TABLE approvals (
    id TEXT PRIMARY KEY NOT NULL,
    session_id TEXT REFERENCES sessions ON DELETE CASCADE,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    record TEXT NOT NULL CHECK (json_valid(record))
);
CREATE INDEX approvals_by_session ON approvals (session_id);
CREATE INDEX approvals_by_state ON approvals (state, created_at);
