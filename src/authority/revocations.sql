-- The revocations: version 2 of the registers, beside the tables of version 1.

-- Codes that were withdrawn before they expire, whoever holds them. The month, such as 202111, is
-- the one in UTC that the code expires in; listed says whether the list published last has it.
CREATE TABLE revocation (
    issuer        INTEGER NOT NULL,
    code_id       BLOB NOT NULL,
    expires       INTEGER NOT NULL,
    month         INTEGER NOT NULL,
    revoked_at    INTEGER NOT NULL,
    reinstated_at INTEGER,
    listed        INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1)),
    PRIMARY KEY (issuer, code_id)
) STRICT;

CREATE INDEX revocation_month ON revocation (issuer, month);

-- The version of each list published last.
CREATE TABLE revocation_list (
    issuer  INTEGER NOT NULL,
    month   INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (issuer, month)
) STRICT;
