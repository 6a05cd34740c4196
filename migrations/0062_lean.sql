-- Every mail writes these. One key for the subjects of a case, which grows at its end, instead of two; the last of a
-- contact's open promises and the automatic letters of an address are found without reading promises and letters. Nobody
-- looks for the cases of a participant.
CREATE TABLE case_subject_lean (
    subject TEXT NOT NULL,
    scope   TEXT NOT NULL,
    case_id BIGINT NOT NULL REFERENCES cases (id),
    at      BIGINT NOT NULL,
    PRIMARY KEY (case_id, subject)
);
INSERT INTO case_subject_lean (subject, scope, case_id, at) SELECT subject, scope, case_id, at FROM case_subject;
DROP TABLE case_subject;
ALTER TABLE case_subject_lean RENAME TO case_subject;
CREATE INDEX case_subject_newest ON case_subject (subject, scope, at);
DROP INDEX promise_contact_open;
CREATE INDEX promise_contact_open ON promise (contact, due) WHERE state = 'open';
DROP INDEX outbox_automatic;
CREATE INDEX outbox_automatic ON outbox (recipient, made_at, message, case_id) WHERE automatic = 1;
DROP INDEX participant_contact;
-- What is known of a case is found when two are put together, however many cases there are.
CREATE INDEX known_id_case ON known_id (case_id);
-- A relay that is back is back for every domain, those to which nothing waits too.
DROP INDEX destination_failing;
CREATE INDEX destination_failing ON destination (next_at, domain) WHERE fails > 0;
