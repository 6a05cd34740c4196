-- Passwords of engineers and the authenticators that go with them. Of a password its argon2id hash is kept, of a recovery code
-- its SHA-256; the authenticator's key is sealed with the desk's, which stands in no table. `new_…` waits for its first code.
CREATE TABLE password (
    engineer    BIGINT PRIMARY KEY REFERENCES engineer (id),
    hash        TEXT,
    code_key    {bytes},
    code_step   BIGINT NOT NULL DEFAULT 0,
    wrong       BIGINT NOT NULL DEFAULT 0,
    rests_until BIGINT,
    new_hash    TEXT,
    new_key     {bytes}
);
CREATE TABLE recovery_code (
    hash     {bytes} PRIMARY KEY,
    engineer BIGINT NOT NULL REFERENCES engineer (id)
);
CREATE INDEX recovery_code_of ON recovery_code (engineer);
