-- Ways in: large mails in pieces, several addresses with lane and product, mailboxes elsewhere that the desk fetches from.
--
-- Old rows: a raw mail without a body lies whole in `raw`, as before. The digest of an arrival used to hold its envelope and
-- does no longer: a mail that came before this step and comes again after it is a message of its own, marked as one that
-- looks like a repeat. Old cases have no product, and nothing was taken in shadow mode.

-- The bytes of a mail beyond its first piece, which stands in `raw`. A body that is not whole when the desk starts is of a
-- mail that was never acknowledged, and goes.
CREATE TABLE body (
    id       {id},
    begun_at BIGINT NOT NULL,
    whole    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX body_unfinished ON body (id) WHERE whole = 0;
CREATE TABLE body_piece (
    body  BIGINT NOT NULL REFERENCES body (id),
    place BIGINT NOT NULL,
    bytes {bytes} NOT NULL,
    PRIMARY KEY (body, place)
);
ALTER TABLE raw ADD COLUMN body BIGINT REFERENCES body (id);

-- Taken only to be seen: nothing automatic follows from it.
ALTER TABLE arrival ADD COLUMN shadow BIGINT NOT NULL DEFAULT 0;

ALTER TABLE cases ADD COLUMN product TEXT;

-- How far a mailbox elsewhere has been read: `place` is the server's own mark (IMAP: UIDVALIDITY and last UID; JMAP: state).
CREATE TABLE mailbox (
    mailbox  TEXT PRIMARY KEY,
    place    TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL
);
-- A mail of it that was dealt with: the arrival it became, or why none (it is tried again at `again_at`, while `tries` is small).
-- What its server received before `older_than` is only shown: it was there under another name. `todo` is 1 until the server has been told, where the settings ask for that.
CREATE TABLE fetched (
    mailbox TEXT NOT NULL,
    name    TEXT NOT NULL,
    arrival BIGINT REFERENCES arrival (id),
    tries   BIGINT NOT NULL DEFAULT 0,
    said    TEXT,
    again_at BIGINT,
    todo    BIGINT NOT NULL DEFAULT 0,
    older_than BIGINT,
    PRIMARY KEY (mailbox, name)
);
CREATE INDEX fetched_todo ON fetched (mailbox, name) WHERE todo = 1;
CREATE INDEX fetched_failed ON fetched (mailbox, name) WHERE arrival IS NULL;
