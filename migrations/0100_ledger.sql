-- The ledger's entries are authenticated with a key that stands nowhere in the database. `form` says how an entry is
-- hashed: 1 as before (chained to the entry before it), 2 as canonical JSON with the hash before it and the one before it
-- within its case. Entries of form 1 get their code when the key is made.
ALTER TABLE event ADD COLUMN form BIGINT NOT NULL DEFAULT 1;
ALTER TABLE event ADD COLUMN mac {bytes};

-- Signed statements of how large the ledger was and what its Merkle root was (RFC 9162 §2.1). `peaks` are the roots of the
-- perfect trees over the entries, left to right: the next checkpoint goes on from them.
CREATE TABLE checkpoint (
    size  BIGINT PRIMARY KEY,
    at    BIGINT NOT NULL,
    root  {bytes} NOT NULL,
    peaks {bytes} NOT NULL,
    note  TEXT NOT NULL
);
