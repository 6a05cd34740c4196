-- Calendar entries that were sent: one open a case and contact, whose sequence rises with every version. What an undone
-- reply said is taken back by its message.
CREATE TABLE invitation (
    id         {id},
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    contact    BIGINT NOT NULL REFERENCES contact (id),
    sequence   BIGINT NOT NULL,
    due        BIGINT NOT NULL,
    due_before BIGINT,
    open       BIGINT NOT NULL,
    message    BIGINT NOT NULL REFERENCES message (id)
);
CREATE UNIQUE INDEX invitation_open ON invitation (case_id, contact) WHERE open = 1;
CREATE INDEX invitation_message ON invitation (message);
