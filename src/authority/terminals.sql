-- The terminals: version 3 of the registers, beside the tables before.

-- Where each stands, by the name that the authority has for it.
CREATE TABLE terminal (
    name    TEXT PRIMARY KEY,
    place   TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    gate    TEXT NOT NULL
) STRICT;
