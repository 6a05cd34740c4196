-- Who wrote this: an address whose owner pressed the button of text I, and the links that wait for it.
-- Old rows: nobody confirmed anything, and letters that left before carry no link.
ALTER TABLE contact_address ADD COLUMN confirmed_at BIGINT;

CREATE TABLE confirmation (
    id         {id},
    hash       {bytes} NOT NULL,
    message    BIGINT NOT NULL REFERENCES message (id),
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    address    TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE UNIQUE INDEX confirmation_hash ON confirmation (hash);
