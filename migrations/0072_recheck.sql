-- Mail whose sender could not be looked up because the name servers did not answer: it is looked up again. `at` is when;
-- null while it is being looked up, so that a restart finds what was asked and not answered. Older mail is not among it.
CREATE TABLE recheck (
    message BIGINT PRIMARY KEY REFERENCES message (id),
    raw     BIGINT NOT NULL REFERENCES arrival (id),
    tries   BIGINT NOT NULL,
    at      BIGINT
);
CREATE INDEX recheck_at ON recheck (at) WHERE at IS NOT NULL;
CREATE INDEX recheck_now ON recheck (raw) WHERE at IS NULL;
