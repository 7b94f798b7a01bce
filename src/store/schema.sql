-- The whole of what a terminal keeps. Instants are seconds since 1970.

-- One row: this terminal, and a reading of its clock that was good.
CREATE TABLE terminal (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    digest_key BLOB NOT NULL CHECK (length(digest_key) = 32),
    device_key BLOB NOT NULL CHECK (length(device_key) = 32),
    place      TEXT,
    name_zh    TEXT,
    name_en    TEXT,
    gate       TEXT,
    anchor_at  INTEGER,
    anchor_up  INTEGER,
    anchor_boot TEXT,
    terminal    TEXT,
    sealing_key BLOB CHECK (length(sealing_key) = 32)
) STRICT;

-- The trusted lists, byte for byte as they were signed.
CREATE TABLE document (
    file      TEXT PRIMARY KEY,
    version   INTEGER NOT NULL,
    issued    INTEGER NOT NULL,
    installed INTEGER NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;

-- One row for each event, a chain: link is the SHA-256 of the link before and of the row's line.
-- Nothing in it is personal.
CREATE TABLE audit (
    id             INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    event          TEXT NOT NULL,
    gate           TEXT,
    verdict        TEXT,
    reason         TEXT,
    kind           TEXT,
    issuer         INTEGER,
    policy_version INTEGER,
    staff          TEXT,
    digest         BLOB,
    clock          TEXT NOT NULL,
    detail         TEXT,
    link           BLOB NOT NULL CHECK (length(link) = 32)
) STRICT;

CREATE INDEX audit_at ON audit (at);

-- One row: the last row that was removed, and its link; the chain begins behind it.
CREATE TABLE audit_begin (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL,
    link BLOB NOT NULL CHECK (length(link) = 32)
) STRICT;

INSERT INTO audit_begin (id, last, link) VALUES (1, 0, zeroblob(32));

-- What is left of decisions that were removed: how many there were in each hour since 1970.
CREATE TABLE hourly (
    hour    INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason  TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (hour, verdict, reason)
) STRICT;

-- Signed notes of how long the chain was.
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- What the roles of the update repository signed last, byte for byte. No rows: no trusted root; one
-- row: a root that nothing has been fetched under yet.
CREATE TABLE tuf_metadata (
    role    TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    bytes   BLOB NOT NULL
) STRICT;

-- Who works with this terminal. The PIN is an Argon2id hash; no record has the name.
CREATE TABLE operator (
    staff         TEXT PRIMARY KEY,
    name          TEXT,
    role          TEXT NOT NULL,
    pin           TEXT NOT NULL,
    failed        INTEGER NOT NULL,
    blocked_until INTEGER
) STRICT;

-- Rows of look-ups and overrides that were removed from the log, which are kept longer. They are no
-- part of the chain any more.
CREATE TABLE desk (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    event  TEXT NOT NULL,
    gate   TEXT,
    reason TEXT,
    staff  TEXT,
    digest BLOB,
    clock  TEXT NOT NULL,
    detail TEXT
) STRICT;

CREATE INDEX desk_at ON desk (at);

-- People who were registered by hand, sealed for the authority: nothing here opens them.
CREATE TABLE registration (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
) STRICT;
