-- The spine: mail in, cases, promises, slices, mail out, and the ledger of it all.
-- Written once for SQLite and PostgreSQL: {id} and {bytes} are the two words that differ. Instants are milliseconds since
-- the epoch (UTC), flags are 0 and 1, lists are JSON arrays in TEXT. Numbers that people read without gaps (cases, the
-- ledger's sequence) come from `counter`; all other ids may have gaps.

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('case', 0), ('ledger', 0);

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Bytes as they came or as they left, kept for ever, never updated (a blob in a row that changes is written twice).
CREATE TABLE raw (
    id    {id},
    bytes {bytes} NOT NULL
);

-- A mail that was acknowledged with 250: what was said about it on the wire, and how far understanding has come.
CREATE TABLE arrival (
    id            BIGINT PRIMARY KEY REFERENCES raw (id),
    received_at   BIGINT NOT NULL,
    way           TEXT NOT NULL,
    envelope_from TEXT NOT NULL,
    envelope_to   TEXT NOT NULL,
    peer          TEXT NOT NULL,
    helo          TEXT NOT NULL,
    digest        {bytes} NOT NULL,
    deaths        BIGINT NOT NULL DEFAULT 0,
    starts        BIGINT NOT NULL DEFAULT 0,
    placed_at     BIGINT,
    message       BIGINT
);
CREATE INDEX arrival_waiting ON arrival (id) WHERE placed_at IS NULL;
CREATE INDEX arrival_digest ON arrival (digest);

CREATE TABLE customer (
    id      {id},
    name    TEXT NOT NULL,
    entered BIGINT NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE TABLE customer_domain (
    domain   TEXT PRIMARY KEY,
    customer BIGINT NOT NULL REFERENCES customer (id)
);
CREATE TABLE contact (
    id       {id},
    customer BIGINT NOT NULL REFERENCES customer (id),
    name     TEXT NOT NULL,
    zone     TEXT,
    mail_zone TEXT,
    made_at  BIGINT NOT NULL
);
CREATE INDEX contact_customer ON contact (customer);
CREATE TABLE contact_address (
    address      TEXT PRIMARY KEY,
    contact      BIGINT NOT NULL REFERENCES contact (id),
    bounced_at   BIGINT
);
CREATE INDEX contact_address_contact ON contact_address (contact);

CREATE TABLE engineer (
    id      {id},
    address TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    zone    TEXT NOT NULL,
    hours   TEXT NOT NULL,
    layer   BIGINT NOT NULL,
    lanes   TEXT NOT NULL,
    role    TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    left_at BIGINT
);
CREATE TABLE token (
    hash       {bytes} PRIMARY KEY,
    engineer   BIGINT NOT NULL REFERENCES engineer (id),
    purpose    TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

-- One line of work with a customer. `reply_by` (earliest open due) and `slices` (open ones) are kept beside the case so
-- that the run queue and `next` read one index; only promise.rs and slice.rs write them.
CREATE TABLE cases (
    id         BIGINT PRIMARY KEY,
    customer   BIGINT NOT NULL REFERENCES customer (id),
    subject    TEXT NOT NULL,
    severity   BIGINT NOT NULL,
    lane       TEXT NOT NULL,
    layer      BIGINT NOT NULL,
    nice       BIGINT NOT NULL DEFAULT 0,
    hand       TEXT NOT NULL,
    party      TEXT,
    reason     TEXT,
    wake_at    BIGINT,
    closing    BIGINT NOT NULL DEFAULT 0,
    resolution TEXT,
    owner      BIGINT REFERENCES engineer (id),
    list       TEXT,
    key        TEXT NOT NULL,
    opened_at  BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    reply_by   BIGINT,
    slices     BIGINT NOT NULL DEFAULT 0,
    under_way  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX case_ready ON cases (reply_by, id) WHERE hand = 'ours' AND party IS NULL AND slices = 0 AND under_way = 0;
CREATE INDEX case_hand ON cases (hand) WHERE hand <> 'nobody';
CREATE INDEX case_open ON cases (reply_by, id) WHERE hand <> 'nobody';
CREATE INDEX case_theirs ON cases (wake_at, id) WHERE hand = 'theirs';
CREATE INDEX case_wake ON cases (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX case_ours ON cases (reply_by, id) WHERE hand = 'ours';
CREATE INDEX case_to_sort ON cases (id) WHERE hand = 'unsorted';
CREATE UNIQUE INDEX case_key ON cases (key);
CREATE INDEX case_customer ON cases (customer, id);
CREATE INDEX case_unsorted ON cases (opened_at) WHERE hand = 'unsorted';

CREATE TABLE participant (
    case_id BIGINT NOT NULL REFERENCES cases (id),
    contact BIGINT NOT NULL REFERENCES contact (id),
    since   BIGINT NOT NULL,
    PRIMARY KEY (case_id, contact)
);
CREATE INDEX participant_contact ON participant (contact, case_id);

-- Mail in, mail out, or internal note. A message without a case stands in the spool and says why.
CREATE TABLE message (
    id           {id},
    case_id      BIGINT REFERENCES cases (id),
    way          TEXT NOT NULL,
    kind         TEXT NOT NULL,
    at           BIGINT NOT NULL,
    contact      BIGINT REFERENCES contact (id),
    engineer     BIGINT REFERENCES engineer (id),
    author       TEXT NOT NULL,
    address      TEXT NOT NULL,
    message_id   TEXT,
    chain        TEXT NOT NULL,
    subject      TEXT NOT NULL,
    text         TEXT NOT NULL,
    folded       TEXT NOT NULL,
    facts        TEXT NOT NULL,
    auto         TEXT NOT NULL,
    matched_by   TEXT NOT NULL,
    verified     BIGINT NOT NULL,
    spool_reason TEXT,
    told_at      BIGINT,
    raw          BIGINT REFERENCES raw (id)
);
CREATE INDEX message_case ON message (case_id, id);
CREATE INDEX message_spool ON message (id) WHERE spool_reason IS NOT NULL;
CREATE INDEX message_untold ON message (at) WHERE spool_reason IS NOT NULL AND case_id IS NOT NULL AND told_at IS NULL;
CREATE INDEX message_unverified ON message (at) WHERE kind = 'unverified';
CREATE INDEX message_own_id ON message (message_id) WHERE message_id IS NOT NULL;

-- Every Message-ID that a mail of a case has or names; the oldest case wins.
CREATE TABLE known_id (
    message_id TEXT NOT NULL,
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    PRIMARY KEY (message_id, case_id)
);

CREATE TABLE promise (
    id         {id},
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    message    BIGINT REFERENCES message (id),
    contact    BIGINT NOT NULL REFERENCES contact (id),
    severity   BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    due        BIGINT NOT NULL,
    basis      TEXT NOT NULL,
    word       TEXT NOT NULL,
    why        TEXT NOT NULL,
    state      TEXT NOT NULL,
    settled_at BIGINT,
    reply      BIGINT REFERENCES message (id),
    settled_by TEXT
);
CREATE INDEX promise_due ON promise (due) WHERE state = 'open';
CREATE INDEX promise_case ON promise (case_id, id);
CREATE INDEX promise_contact_open ON promise (contact) WHERE state = 'open';
CREATE INDEX promise_reply ON promise (reply) WHERE reply IS NOT NULL;

CREATE TABLE slice (
    id       {id},
    case_id  BIGINT NOT NULL REFERENCES cases (id),
    engineer BIGINT NOT NULL REFERENCES engineer (id),
    began_at BIGINT NOT NULL,
    until    BIGINT,
    ended_at BIGINT,
    ended_by TEXT,
    note     TEXT
);
CREATE UNIQUE INDEX slice_open ON slice (engineer) WHERE ended_at IS NULL;
CREATE INDEX slice_case ON slice (case_id, id);
CREATE INDEX slice_skipped ON slice (engineer, ended_at) WHERE ended_by = 'skip';
CREATE INDEX slice_until ON slice (until) WHERE ended_at IS NULL AND until IS NOT NULL;

-- What a reply is meant to do once it counts as delivered.
CREATE TABLE reply (
    message  BIGINT PRIMARY KEY REFERENCES message (id),
    case_id  BIGINT NOT NULL REFERENCES cases (id),
    engineer BIGINT NOT NULL REFERENCES engineer (id),
    kind     TEXT NOT NULL,
    answers  TEXT NOT NULL,
    next     TEXT NOT NULL,
    state    TEXT NOT NULL
);
CREATE INDEX reply_under_way ON reply (engineer, message) WHERE state = 'under way';

-- One row a recipient, written in the transaction of its cause; composed and sent from here only.
CREATE TABLE outbox (
    id           {id},
    message      BIGINT NOT NULL REFERENCES message (id),
    case_id      BIGINT REFERENCES cases (id),
    contact      BIGINT REFERENCES contact (id),
    recipient    TEXT NOT NULL,
    letter       TEXT NOT NULL,
    automatic    BIGINT NOT NULL,
    state        TEXT NOT NULL,
    made_at      BIGINT NOT NULL,
    not_before   BIGINT NOT NULL,
    tries        BIGINT NOT NULL DEFAULT 0,
    first_try_at BIGINT,
    settled_at   BIGINT,
    server       TEXT,
    said         TEXT,
    raw          BIGINT REFERENCES raw (id)
);
CREATE INDEX outbox_due ON outbox (not_before, id) WHERE state IN ('held', 'queued', 'deferred');
CREATE INDEX outbox_sending ON outbox (id) WHERE state = 'sending';
CREATE INDEX outbox_trouble ON outbox (id) WHERE state IN ('deferred', 'failed');
CREATE INDEX outbox_message ON outbox (message);
CREATE INDEX outbox_automatic ON outbox (recipient, made_at) WHERE automatic = 1;

-- The ledger: append-only, one gapless sequence, each entry bound to the one before by its hash.
CREATE TABLE event (
    seq      BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    case_id  BIGINT,
    kind     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    message  BIGINT,
    promise  BIGINT,
    data     TEXT NOT NULL,
    hash     {bytes} NOT NULL
);
CREATE INDEX event_case ON event (case_id, seq);
