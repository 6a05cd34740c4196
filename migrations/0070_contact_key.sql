-- A contact's key, given by an administrator: letters to the contact leave encrypted to it. `address` is the one that the
-- key names. What a letter that left was sealed with stands at its row; old rows left in clear.
CREATE TABLE contact_key (
    contact     BIGINT PRIMARY KEY REFERENCES contact (id),
    address     TEXT NOT NULL,
    scheme      TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    until       BIGINT,
    file        {bytes} NOT NULL,
    given_at    BIGINT NOT NULL
);
ALTER TABLE outbox ADD COLUMN sealed TEXT NOT NULL DEFAULT '';
