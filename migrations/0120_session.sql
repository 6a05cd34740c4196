-- Sign-in links and sessions of engineers. Of both only the SHA-256 of the secret is kept (256 random bits need no slow hash), so
-- that whoever reads the tables can sign in nowhere. What began and ended them stands in the ledger; a session that has ended
-- has no row. An older desk has none of either: everybody there signs in anew.
CREATE TABLE sign_in (
    hash       {bytes} PRIMARY KEY,
    engineer   BIGINT NOT NULL REFERENCES engineer (id),
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX sign_in_of ON sign_in (engineer, made_at);

-- A session's number comes from `counter`, so that none is ever given twice: the ledger names sessions by it, and a page that
-- stays open asks by it whether its session lives. `last_seen` is written once a minute at most; `agent` is program and system in words, not what the browser said of itself.
CREATE TABLE session (
    id         BIGINT PRIMARY KEY,
    hash       {bytes} NOT NULL UNIQUE,
    engineer   BIGINT NOT NULL REFERENCES engineer (id),
    made_at    BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    agent      TEXT NOT NULL
);
CREATE INDEX session_of ON session (engineer, last_seen);
INSERT INTO counter (name, value) VALUES ('session', 0);
