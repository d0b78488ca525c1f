-- Moments are milliseconds since the epoch, ids are UUIDv7 in 16 bytes, lists are JSON, truth is 0 or 1.
-- No index names a column that a rotation changes (expires, last_used, rotated_at, generation, …).

CREATE TABLE grants (
    id BYTEA NOT NULL PRIMARY KEY,
    app_id BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    organization_id BYTEA NOT NULL,
    state BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    redirect_uri TEXT,
    code_challenge BYTEA,
    salt BYTEA NOT NULL,
    proof_key BIGINT NOT NULL,
    previous_key BIGINT,
    generation BIGINT NOT NULL,
    previous BIGINT,
    confirmed BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    created BIGINT NOT NULL,
    code_expires BIGINT NOT NULL,
    expires BIGINT,
    ends BIGINT,
    last_used BIGINT,
    ended_at BIGINT,
    reason TEXT,
    check_at BIGINT NOT NULL
);
CREATE INDEX grants_user_app ON grants (user_id, app_id);
CREATE INDEX grants_app ON grants (app_id, id);
CREATE INDEX grants_check ON grants (check_at);

CREATE TABLE apps (
    id BYTEA NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    organization_id BYTEA NOT NULL,
    owner_id BYTEA,
    client_type TEXT NOT NULL,
    reach TEXT NOT NULL,
    status TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    scopes TEXT,
    products TEXT NOT NULL,
    grant_types TEXT,
    created BIGINT NOT NULL
);
CREATE INDEX apps_organization ON apps (organization_id);

CREATE TABLE secrets (
    id BYTEA NOT NULL PRIMARY KEY,
    app_id BYTEA NOT NULL,
    sha256 BYTEA,
    argon2 TEXT,
    hint TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    expires BIGINT
);
CREATE INDEX secrets_app ON secrets (app_id);

CREATE TABLE users (
    id BYTEA NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password TEXT,
    locale TEXT,
    admin BIGINT NOT NULL,
    status TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE organizations (
    id BYTEA NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    hidden BIGINT NOT NULL,
    status TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE memberships (
    user_id BYTEA NOT NULL,
    organization_id BYTEA NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, organization_id)
);
CREATE INDEX memberships_organization ON memberships (organization_id);

CREATE TABLE resources (
    identifier TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 BYTEA,
    argon2 TEXT,
    scopes TEXT,
    created BIGINT NOT NULL
);

CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE keys (
    id BIGINT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE audit_events (
    id BYTEA NOT NULL PRIMARY KEY,
    happened BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    app_id BYTEA,
    user_id BYTEA,
    organization_id BYTEA,
    grant_id BYTEA,
    detail TEXT
);

CREATE TABLE declared (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    field TEXT NOT NULL,
    digest BYTEA NOT NULL,
    PRIMARY KEY (kind, name, field)
);

-- The feed: each run of a server has a node id of its own and numbers what it changes from 1.
CREATE TABLE changes (
    node BYTEA NOT NULL,
    number BIGINT NOT NULL,
    happened BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject BYTEA NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (node, number)
);
CREATE INDEX changes_expires ON changes (expires);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
