-- Holidays of a calendar that are read from an address again and again. `trouble` says why the last look brought nothing.
CREATE TABLE calendar_feed (
    calendar BIGINT PRIMARY KEY REFERENCES calendar (id),
    url      TEXT NOT NULL,
    next_at  BIGINT NOT NULL,
    read_at  BIGINT,
    trouble  TEXT
);
CREATE INDEX calendar_feed_next ON calendar_feed (next_at);
