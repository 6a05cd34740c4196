-- What the schedule remembers of a promise: who has begun it, how many milliseconds were worked on it, and whether its bound
-- was stretched. The rest of a timetable is made anew from rows at each event.
ALTER TABLE promise ADD COLUMN begun_by BIGINT REFERENCES engineer (id);
ALTER TABLE promise ADD COLUMN worked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE promise ADD COLUMN stretched BIGINT NOT NULL DEFAULT 0;
-- How often its date was moved by us: such a date has twice the guard.
ALTER TABLE promise ADD COLUMN moves BIGINT NOT NULL DEFAULT 0;
UPDATE promise SET moves = 1 WHERE state = 'open' AND (asked_by = 'us' OR basis = 'after a break');

-- When it was last decided that a slice goes on.
ALTER TABLE slice ADD COLUMN decided_at BIGINT;

-- The seats of the last certified timetable, case by case, in one row: a mail changes a few of many, and one small row is
-- cheaper to write than the promises themselves.
CREATE TABLE timetable (
    id    BIGINT PRIMARY KEY,
    seats TEXT NOT NULL
);
INSERT INTO timetable (id, seats) VALUES (1, '');

-- The newest pieces of work that were done, a line each: what the plan learns from. Apart from the seats, which change much
-- more often.
CREATE TABLE work (
    id    BIGINT PRIMARY KEY,
    lines TEXT NOT NULL
);
INSERT INTO work (id, lines) VALUES (1, '');

-- Time in which an engineer is not there: sick, on leave.
CREATE TABLE absence (
    id       {id},
    engineer BIGINT NOT NULL REFERENCES engineer (id),
    from_at  BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    reason   TEXT NOT NULL,
    made_at  BIGINT NOT NULL
);
CREATE INDEX absence_until ON absence (until);

-- Work is counted with what it takes on average; its worst case is the timetable's business.
UPDATE promise SET minutes = CASE severity WHEN 1 THEN 25 WHEN 2 THEN 31 ELSE 36 END WHERE state = 'open';
UPDATE reply SET minutes = 36 WHERE slot IS NOT NULL;
DELETE FROM booked;
INSERT INTO booked (slot, lane, layer, minutes)
    SELECT slot, lane, layer, CAST(SUM(minutes) AS BIGINT) FROM (
        SELECT slot, lane, layer, minutes FROM promise WHERE state = 'open' AND slot IS NOT NULL
        UNION ALL SELECT slot, lane, layer, minutes FROM reply WHERE slot IS NOT NULL) AS counted
    GROUP BY slot, lane, layer;
