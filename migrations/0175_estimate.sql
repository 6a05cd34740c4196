-- What an engineer reckons that the work of a promise takes in all, in minutes (SCHEDULING.md §4.2 of the design).
ALTER TABLE promise ADD COLUMN estimate BIGINT;
