UPDATE outbox SET domain = lower(substr(recipient, strpos(recipient, '@') + 1));
