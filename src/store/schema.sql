-- The whole of what a terminal keeps. Instants are seconds since 1970.

-- One row: this terminal.
CREATE TABLE terminal (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    digest_key BLOB NOT NULL CHECK (length(digest_key) = 32),
    place      TEXT,
    name_zh    TEXT,
    name_en    TEXT,
    gate       TEXT
) STRICT;

-- The trusted lists, byte for byte as they were signed.
CREATE TABLE document (
    file      TEXT PRIMARY KEY,
    version   INTEGER NOT NULL,
    issued    INTEGER NOT NULL,
    installed INTEGER NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;

-- One row for each decision. Nothing in it is personal.
CREATE TABLE audit (
    id             INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    gate           TEXT,
    verdict        TEXT NOT NULL,
    reason         TEXT,
    kind           TEXT,
    issuer         INTEGER,
    policy_version INTEGER,
    staff          TEXT,
    digest         BLOB
) STRICT;

CREATE INDEX audit_at ON audit (at);

-- What the roles of the update repository signed last, byte for byte. No rows: no trusted root; one
-- row: a root that nothing has been fetched under yet.
CREATE TABLE tuf_metadata (
    role    TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    bytes   BLOB NOT NULL
) STRICT;
