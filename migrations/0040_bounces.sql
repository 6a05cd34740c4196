-- Why a mail server refused an address for good; empty for what was marked before this step.
ALTER TABLE contact_address ADD COLUMN bounced_because TEXT;
-- The mails of machines by their sender: how many came lately.
CREATE INDEX message_machine ON message (address, at) WHERE auto NOT IN ('no', 'list');
