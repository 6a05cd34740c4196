-- The four figures of the ledger, summed by week of due: what a page or a verb reads, however long the desk has been there.
-- They are reckoned from the promises of a week whenever the ledger says that one of them changed, beside the mail's way:
-- a mail writes nothing here. `lengths` counts promises by their length in minutes, to three digits.
CREATE TABLE figure (
    week      BIGINT NOT NULL,
    by_what   TEXT NOT NULL,
    of_what   TEXT NOT NULL,
    made      BIGINT NOT NULL,
    open      BIGINT NOT NULL,
    kept      BIGINT NOT NULL,
    broken    BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    moved_us  BIGINT NOT NULL,
    moved     BIGINT NOT NULL,
    replies   BIGINT NOT NULL,
    findings  BIGINT NOT NULL,
    lengths   TEXT NOT NULL,
    PRIMARY KEY (week, by_what, of_what)
);
CREATE INDEX figure_over_time ON figure (by_what, of_what, week);

-- How far the ledger has been counted, and when that was last done.
CREATE TABLE figure_mark (seq BIGINT NOT NULL, at BIGINT NOT NULL);
INSERT INTO figure_mark (seq, at) VALUES (0, 0);

-- Who asked for another time, out of the ledger: the promise that was given up, when both sides had agreed, the new due.
CREATE TABLE promise_move (
    promise  BIGINT PRIMARY KEY,
    asked_by TEXT NOT NULL,
    at       BIGINT NOT NULL,
    due      TEXT NOT NULL
);

CREATE INDEX promise_by_due ON promise (due, id);
CREATE INDEX promise_broken ON promise (due) WHERE state = 'broken';
