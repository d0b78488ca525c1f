-- Servers that share the database, and when each was last heard of, by the database's own clock.
CREATE TABLE nodes (
    id BYTEA NOT NULL PRIMARY KEY,
    beat BIGINT NOT NULL
);
