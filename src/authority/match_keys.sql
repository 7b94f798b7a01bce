-- The epochs of match keys: version 4 of the registers, beside the tables before.

-- Since when codes say of their holder's document what the key of each epoch makes of it. The keys
-- are files.
CREATE TABLE match_epoch (
    epoch INTEGER PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT;
