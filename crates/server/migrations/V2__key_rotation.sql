-- A key is published before it is used: from this moment on. NULL: made by an older server, and used since `created`.
ALTER TABLE keys ADD COLUMN active_from BIGINT;

-- What was revoked leaves `keys`, so that no server that starts opens it any more, an older one included. Its number stays
-- here: it is never given again, and rows that name it are known to be over.
CREATE TABLE revoked_keys (
    id BIGINT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT NOT NULL
);
