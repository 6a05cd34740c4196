-- Negotiation: times that one side named and the other has not answered, and the work that every promise is counted with.
--
-- A promise keeps the lane, layer and minutes it was made with, and the slot (a quarter of an hour) in which admission
-- counts its work: that of its due, or of an earlier time while that is offered. `booked` is the sum of them. Promises of
-- before are counted with the minutes of their severity; none of them was moved.
ALTER TABLE promise ADD COLUMN lane TEXT NOT NULL DEFAULT 'operate';
ALTER TABLE promise ADD COLUMN layer BIGINT NOT NULL DEFAULT 1;
ALTER TABLE promise ADD COLUMN minutes BIGINT NOT NULL DEFAULT 120;
ALTER TABLE promise ADD COLUMN slot BIGINT;
ALTER TABLE promise ADD COLUMN moved_from BIGINT REFERENCES promise (id);
ALTER TABLE promise ADD COLUMN asked_by TEXT;
ALTER TABLE promise ADD COLUMN agreed_at BIGINT;
UPDATE promise SET minutes = CASE severity WHEN 1 THEN 30 WHEN 2 THEN 60 ELSE 120 END,
    lane = (SELECT k.lane FROM cases k WHERE k.id = promise.case_id),
    layer = (SELECT k.layer FROM cases k WHERE k.id = promise.case_id);
UPDATE promise SET slot = due / 900000 WHERE state = 'open';

CREATE TABLE booked (
    slot    BIGINT NOT NULL,
    lane    TEXT NOT NULL,
    layer   BIGINT NOT NULL,
    minutes BIGINT NOT NULL,
    PRIMARY KEY (slot, lane, layer)
);
INSERT INTO booked (slot, lane, layer, minutes)
    SELECT slot, lane, layer, CAST(SUM(minutes) AS BIGINT) FROM promise WHERE state = 'open' GROUP BY slot, lane, layer;

-- The next word that a reply under way owes is booked until it is delivered.
ALTER TABLE reply ADD COLUMN slot BIGINT;
ALTER TABLE reply ADD COLUMN lane TEXT;
ALTER TABLE reply ADD COLUMN layer BIGINT;
ALTER TABLE reply ADD COLUMN minutes BIGINT;

-- A delivered reply of which its reader said that it did not help. It stays what it was.
ALTER TABLE reply ADD COLUMN disputed_at BIGINT;

-- One thing that one side said about a promise: another time (offer, ask), that the time is fine, that no reply is needed,
-- that it got worse, that a reply did not help. `hash` is that of the single-use link in an offer's mail.
CREATE TABLE negotiation (
    id          {id},
    case_id     BIGINT NOT NULL REFERENCES cases (id),
    promise     BIGINT REFERENCES promise (id),
    contact     BIGINT NOT NULL REFERENCES contact (id),
    kind        TEXT NOT NULL,
    said_by     TEXT NOT NULL,
    way         TEXT NOT NULL,
    due         BIGINT,
    at          BIGINT,
    wish        BIGINT,
    reason      TEXT,
    meanwhile   TEXT,
    signer      BIGINT REFERENCES engineer (id),
    signature   TEXT,
    state       TEXT NOT NULL,
    made_at     BIGINT NOT NULL,
    until       BIGINT,
    settled_at  BIGINT,
    made        BIGINT REFERENCES promise (id),
    hash        {bytes},
    undo_until  BIGINT
);
CREATE UNIQUE INDEX negotiation_open ON negotiation (promise) WHERE state = 'open';
CREATE INDEX negotiation_until ON negotiation (until) WHERE state = 'open';
CREATE UNIQUE INDEX negotiation_hash ON negotiation (hash) WHERE hash IS NOT NULL;
CREATE INDEX negotiation_case ON negotiation (case_id, id);
