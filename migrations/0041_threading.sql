-- The other desk's number, as a customer's own ticket system writes it into subjects: how often it was seen in which case.
CREATE TABLE foreign_number (
    number   TEXT NOT NULL,
    customer BIGINT NOT NULL REFERENCES customer (id),
    case_id  BIGINT NOT NULL REFERENCES cases (id),
    seen     BIGINT NOT NULL,
    PRIMARY KEY (number, customer, case_id)
);
CREATE INDEX foreign_number_case ON foreign_number (case_id);

-- Subjects without their prefixes and tags, for offers. Cases older than this step are found by their next mail.
-- `scope` is the list, or `customer N`: offers stay within.
CREATE TABLE case_subject (
    subject TEXT NOT NULL,
    scope   TEXT NOT NULL,
    case_id BIGINT NOT NULL REFERENCES cases (id),
    at      BIGINT NOT NULL,
    PRIMARY KEY (subject, case_id)
);
CREATE INDEX case_subject_case ON case_subject (case_id);
CREATE INDEX case_subject_newest ON case_subject (subject, scope, at);

-- Cases that a person put together; `moved` says what to give back, `was` in which hand both were.
ALTER TABLE cases ADD COLUMN merged_into BIGINT REFERENCES cases (id);
CREATE TABLE merge (
    id        {id},
    case_id   BIGINT NOT NULL REFERENCES cases (id),
    into_case BIGINT NOT NULL REFERENCES cases (id),
    at        BIGINT NOT NULL,
    moved     TEXT NOT NULL,
    was       TEXT NOT NULL,
    undone_at BIGINT
);
CREATE INDEX merge_case ON merge (case_id) WHERE undone_at IS NULL;
CREATE INDEX merge_into ON merge (into_case) WHERE undone_at IS NULL;
