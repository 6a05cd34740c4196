-- Whom an engineer took off a case: a colleague's Cc does not put them on it again. Nobody was taken off before.
CREATE TABLE participant_off (
    case_id BIGINT NOT NULL REFERENCES cases (id),
    contact BIGINT NOT NULL REFERENCES contact (id),
    since   BIGINT NOT NULL,
    PRIMARY KEY (case_id, contact)
);
