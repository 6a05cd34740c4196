-- Time that people's own calendars take: leave, meetings. Entered from iCalendar files, a row for each day that an event
-- reaches into, so that no row is longer than a day and those of the next weeks are one range of the index. `uid` is a hash
-- of the event's name: what it is about is nobody's business here.
CREATE TABLE taken (
    id       {id},
    engineer BIGINT NOT NULL REFERENCES engineer (id),
    uid      TEXT NOT NULL,
    from_at  BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    is_leave BIGINT NOT NULL
);
CREATE INDEX taken_until ON taken (until);
CREATE INDEX taken_engineer ON taken (engineer, uid);
