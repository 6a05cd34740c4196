-- Machines that sent many mails in minutes: since when, how many, and the newest.
CREATE TABLE flood (
    address TEXT PRIMARY KEY,
    since   BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    mails   BIGINT NOT NULL
);
