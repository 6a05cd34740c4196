-- What leaves as words: the language of a contact (set, or learned from their mail), whether they want calendar entries,
-- and when a customer whom we wait for is reminded.
-- Old contacts have no language: the next mail of theirs teaches one, until then the desk's is used. Old waits have no
-- reminder.
ALTER TABLE contact ADD COLUMN language TEXT;
ALTER TABLE contact ADD COLUMN mail_language TEXT;
ALTER TABLE contact ADD COLUMN calendar TEXT NOT NULL DEFAULT 'agreed';
ALTER TABLE cases ADD COLUMN remind_at BIGINT;
CREATE INDEX case_remind ON cases (remind_at) WHERE remind_at IS NOT NULL;
