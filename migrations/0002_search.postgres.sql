-- Words of messages. The vectors are built by the desk word by word: PostgreSQL's own parser never sees a text.
CREATE TABLE message_words (
    message BIGINT PRIMARY KEY,
    words TSVECTOR NOT NULL
);
CREATE INDEX message_words_words ON message_words USING GIN (words);
