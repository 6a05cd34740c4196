-- Each mail domain that we send to has a queue of its own: a dead one delays nobody else. `destination` says when the next
-- mail to a domain is due (`next_at`: none waits while it is null), and how long a domain that could not be reached rests.
-- It is made from the outbox and made anew at every start. `behind` keeps the order of a case: a mail to the same
-- recipient that is still under way. `doubted`: the bytes may have arrived more than once. A policy is the domain's
-- MTA-STS (RFC 8461) as it was fetched. Old rows get their domain below; none of them stands behind another.
ALTER TABLE outbox ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN behind BIGINT;
ALTER TABLE outbox ADD COLUMN doubted BIGINT NOT NULL DEFAULT 0;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (domain, not_before, id)
    WHERE state IN ('held', 'queued', 'deferred') AND behind IS NULL;
CREATE INDEX outbox_order ON outbox (case_id, recipient, id) WHERE state IN ('held', 'queued', 'deferred', 'sending');
CREATE INDEX outbox_behind ON outbox (behind) WHERE behind IS NOT NULL;

CREATE TABLE destination (
    domain        TEXT PRIMARY KEY,
    next_at       BIGINT,
    rest_until    BIGINT NOT NULL DEFAULT 0,
    fails         BIGINT NOT NULL DEFAULT 0,
    failing_since BIGINT,
    policy_id     TEXT,
    policy        TEXT,
    policy_until  BIGINT
);
CREATE INDEX destination_well ON destination (next_at, domain) WHERE next_at IS NOT NULL AND fails = 0;
CREATE INDEX destination_failing ON destination (next_at, domain) WHERE next_at IS NOT NULL AND fails > 0;
