-- What was agreed with customers, and the calendars that targets count in. Versions are added and never changed: a promise
-- names those it was made under. An agreement without a customer is the desk's own, for everybody who has none.
-- Promises of before have no version: they were made under the settings of their time.

CREATE TABLE calendar (
    id   {id},
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE calendar_version (
    id       {id},
    calendar BIGINT NOT NULL REFERENCES calendar (id),
    number   BIGINT NOT NULL,
    form     TEXT NOT NULL,
    source   TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    made_by  TEXT NOT NULL
);
CREATE UNIQUE INDEX calendar_version_number ON calendar_version (calendar, number);

CREATE TABLE agreement (
    id       {id},
    customer BIGINT REFERENCES customer (id),
    made_at  BIGINT NOT NULL
);
CREATE INDEX agreement_customer ON agreement (customer);
CREATE TABLE agreement_version (
    id          {id},
    agreement   BIGINT NOT NULL REFERENCES agreement (id),
    number      BIGINT NOT NULL,
    valid_from  BIGINT NOT NULL,
    valid_until BIGINT,
    terms       TEXT NOT NULL,
    supersedes  BIGINT REFERENCES agreement_version (id),
    made_at     BIGINT NOT NULL,
    made_by     TEXT NOT NULL
);
CREATE UNIQUE INDEX agreement_version_number ON agreement_version (agreement, number);

ALTER TABLE promise ADD COLUMN agreement_version BIGINT;
ALTER TABLE promise ADD COLUMN calendar_version BIGINT;
ALTER TABLE promise ADD COLUMN zone_release TEXT;
