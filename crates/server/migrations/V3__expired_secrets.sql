-- Expired secrets are found without a look at the others.
CREATE INDEX secrets_expires ON secrets (expires) WHERE expires IS NOT NULL;
