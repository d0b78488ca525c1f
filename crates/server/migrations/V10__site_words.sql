-- Counts the messages of the site that were applied to a person, so that of two at once the second sees the first.
ALTER TABLE users ADD COLUMN site_version BIGINT NOT NULL DEFAULT 0;
-- When the site last signed the person out everywhere: an answer to a sign-in that it gave before is worthless.
ALTER TABLE users ADD COLUMN signed_out BIGINT;
-- The request to the site that began a session, by its SHA-256: the session serves this request.
ALTER TABLE sessions ADD COLUMN request BYTEA;
