-- Where a person signed in before, as keyed hashes, the latest first: failures of others elsewhere do not lock them out there.
ALTER TABLE users ADD COLUMN places TEXT;

-- Whether any client secret was chosen by somebody is asked at each failed client authentication.
CREATE INDEX secrets_chosen ON secrets (app_id) WHERE argon2 IS NOT NULL;
