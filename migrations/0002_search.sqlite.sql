-- Words of messages. Contentless: the text itself stands with the message. The words arrive folded and split by the
-- desk, so the plainest tokenizer is the right one: it cuts at spaces and takes every letter beyond ASCII as it is.
-- `_` holds the place of a word that is not indexed.
CREATE VIRTUAL TABLE message_words USING fts5 (
    words,
    content = '',
    contentless_delete = 1,
    tokenize = "ascii tokenchars '_'"
);
