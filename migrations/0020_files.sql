-- Files of a case. A blob is kept once for each customer under the hash of its bytes and never shared between two; a file
-- is its name and its place in a message. `filing` holds messages whose files still have to be taken out of the raw mail;
-- without a time those that are held, or were tried often enough. `upload` is a file on its way, in pieces.
CREATE TABLE blob (
    id       {id},
    customer BIGINT NOT NULL REFERENCES customer (id),
    digest   TEXT NOT NULL,
    bytes    BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    scan     TEXT NOT NULL,
    said     TEXT,
    scan_at  BIGINT,
    tries    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX blob_digest ON blob (customer, digest);
CREATE INDEX blob_to_scan ON blob (scan_at, id) WHERE scan_at IS NOT NULL;
CREATE TABLE file (
    id      {id},
    message BIGINT NOT NULL REFERENCES message (id),
    place   BIGINT NOT NULL,
    name    TEXT NOT NULL,
    claimed TEXT NOT NULL,
    blob    BIGINT NOT NULL REFERENCES blob (id)
);
CREATE UNIQUE INDEX file_place ON file (message, place);
CREATE INDEX file_blob ON file (blob);
CREATE TABLE filing (
    message BIGINT PRIMARY KEY REFERENCES message (id),
    next_at BIGINT,
    tries   BIGINT NOT NULL DEFAULT 0,
    said    TEXT
);
CREATE INDEX filing_due ON filing (next_at, message) WHERE next_at IS NOT NULL;
-- Mails that came before there were files.
INSERT INTO filing (message, next_at)
    SELECT id, CASE WHEN case_id IS NULL OR spool_reason IS NOT NULL THEN NULL ELSE 0 END FROM message
    WHERE raw IS NOT NULL AND way IN ('in', 'note') AND facts LIKE '%"files":[{%';
CREATE TABLE upload (
    id         {id},
    key        TEXT NOT NULL UNIQUE,
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    contact    BIGINT REFERENCES contact (id),
    engineer   BIGINT REFERENCES engineer (id),
    name       TEXT NOT NULL,
    claimed    TEXT NOT NULL,
    bytes      BIGINT NOT NULL,
    have       BIGINT NOT NULL DEFAULT 0,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state      TEXT NOT NULL,
    reply      BIGINT REFERENCES message (id),
    file       BIGINT REFERENCES file (id)
);
CREATE INDEX upload_ends ON upload (expires_at) WHERE state IN ('open', 'whole');
CREATE INDEX upload_whole ON upload (id) WHERE state = 'whole';
CREATE INDEX upload_case ON upload (case_id, id);
