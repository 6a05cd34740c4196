UPDATE outbox SET domain = lower(substr(recipient, instr(recipient, '@') + 1));
