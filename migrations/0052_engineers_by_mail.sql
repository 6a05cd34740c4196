-- Engineers by mail: who gets notices (nobody who has not asked for them), when the next digest is due, and commands that
-- came by mail: a row first, done once.
ALTER TABLE engineer ADD COLUMN by_mail BIGINT NOT NULL DEFAULT 0;
ALTER TABLE engineer ADD COLUMN digest_at BIGINT;
CREATE INDEX engineer_digest ON engineer (digest_at) WHERE digest_at IS NOT NULL;
CREATE TABLE command (
    message  BIGINT PRIMARY KEY REFERENCES message (id),
    engineer BIGINT NOT NULL REFERENCES engineer (id),
    case_id  BIGINT REFERENCES cases (id),
    asked    TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    done_at  BIGINT
);
CREATE INDEX command_waiting ON command (message) WHERE done_at IS NULL;
