-- Version 1 of what an authority remembers, beside its private keys. Instants are seconds since 1970;
-- days are dates of Asia/Shanghai, such as 2021-11-20. A number is a person's document number.

-- One row: the version of the lists published last, 0 if none has been, and the date of the policy
-- among them.
CREATE TABLE published (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    version       INTEGER NOT NULL,
    policy_issued INTEGER NOT NULL
) STRICT;

INSERT INTO published (id, version, policy_issued) VALUES (1, 0, 0);

CREATE TABLE issuer (
    issuer  INTEGER PRIMARY KEY,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL
) STRICT;

-- In the order in which they were made.
CREATE TABLE issuer_key (
    id         INTEGER PRIMARY KEY,
    issuer     INTEGER NOT NULL REFERENCES issuer,
    kid        TEXT NOT NULL,
    public_key TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    status     TEXT NOT NULL,
    retired_at INTEGER,
    UNIQUE (issuer, kid),
    CHECK ((status = 'retired') = (retired_at IS NOT NULL))
) STRICT;

-- What each issuer's own status numbers mean.
CREATE TABLE transcoding (
    issuer INTEGER NOT NULL REFERENCES issuer,
    local  INTEGER NOT NULL,
    normal TEXT NOT NULL,
    PRIMARY KEY (issuer, local)
) STRICT;

-- Whoever has declared, and how far that has come; a health once it is audited.
CREATE TABLE person (
    number TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    stage  TEXT NOT NULL,
    health TEXT,
    since  INTEGER NOT NULL,
    CHECK ((stage = 'audited') = (health IS NOT NULL))
) STRICT;

CREATE TABLE commuter (
    number       TEXT PRIMARY KEY,
    home         INTEGER NOT NULL,
    first_day    TEXT NOT NULL,
    last_day     TEXT NOT NULL,
    withdrawn_at INTEGER
) STRICT;

-- Both stores of nucleic-acid tests, told apart by their source.
CREATE TABLE nat (
    number   TEXT NOT NULL,
    source   TEXT NOT NULL CHECK (source IN ('national', 'municipal')),
    sampled  INTEGER NOT NULL,
    result   TEXT NOT NULL CHECK (result IN ('negative', 'positive', 'pending')),
    reported INTEGER,
    uploaded INTEGER,
    PRIMARY KEY (number, source, sampled, result),
    CHECK ((result = 'pending') = (reported IS NULL) AND (reported IS NULL) = (uploaded IS NULL))
) STRICT;

CREATE TABLE vaccination (
    number TEXT NOT NULL,
    day    TEXT NOT NULL,
    doses  INTEGER NOT NULL,
    PRIMARY KEY (number, day)
) STRICT;

-- Of whom travel data is held, and whether it is known where they have been.
CREATE TABLE travel (
    number TEXT PRIMARY KEY,
    known  INTEGER NOT NULL CHECK (known IN (0, 1)),
    as_of  INTEGER NOT NULL
) STRICT;

CREATE TABLE visit (
    number   TEXT NOT NULL REFERENCES travel ON DELETE CASCADE,
    area     INTEGER NOT NULL,
    last_day TEXT NOT NULL,
    PRIMARY KEY (number, area, last_day)
) STRICT;

-- On whose behalf another person handles the codes.
CREATE TABLE binding (
    dependant TEXT PRIMARY KEY,
    guardian  TEXT NOT NULL,
    relation  TEXT NOT NULL,
    consent   TEXT NOT NULL,
    bound_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX binding_guardian ON binding (guardian);

-- The codes issued from these registers. One converted from a code that is not here has no number.
CREATE TABLE code (
    issuer  INTEGER NOT NULL,
    code_id BLOB NOT NULL,
    number  TEXT,
    kind    TEXT NOT NULL,
    issued  INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (issuer, code_id)
) STRICT;

CREATE INDEX code_number ON code (number, issued);

CREATE TABLE risk_area (
    area      INTEGER NOT NULL,
    level     TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day  TEXT,
    PRIMARY KEY (area, level, first_day)
) STRICT;

-- Provinces whose codes are not recognised; places are words with a space between two.
CREATE TABLE exception (
    filing     TEXT PRIMARY KEY,
    issuer     INTEGER NOT NULL,
    places     TEXT NOT NULL,
    from_at    INTEGER NOT NULL,
    to_at      INTEGER NOT NULL,
    filed_at   INTEGER NOT NULL,
    instead_zh TEXT NOT NULL,
    instead_en TEXT NOT NULL
) STRICT;

-- Issuers abroad.
CREATE TABLE partner (
    partner   TEXT NOT NULL,
    agreement TEXT NOT NULL,
    places    TEXT NOT NULL,
    from_at   INTEGER NOT NULL,
    to_at     INTEGER NOT NULL,
    PRIMARY KEY (partner, from_at)
) STRICT;

-- One row at most: the policy pack in force, byte for byte as it was given.
CREATE TABLE policy (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    bytes   BLOB NOT NULL
) STRICT;
