-- Replies that are being written: a row from the first pause in typing on, of one engineer and one case. `version` is counted up at each
-- keeping, so that two windows never write over each other; `seen` is the place in the ledger up to which the writer had seen
-- the case. A draft is nobody's record: it stands in no ledger, and is gone when its reply is written or it is thrown away.
CREATE TABLE draft (
    id       {id},
    case_id  BIGINT NOT NULL REFERENCES cases (id),
    engineer BIGINT NOT NULL REFERENCES engineer (id),
    version  BIGINT NOT NULL,
    seen     BIGINT NOT NULL,
    text     TEXT NOT NULL,
    choices  TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    saved_at BIGINT NOT NULL
);
CREATE INDEX draft_of ON draft (engineer, case_id);
CREATE INDEX draft_case ON draft (case_id, saved_at);
