-- Columns and tables of round two: people of a site, permissions, consents as shown, origins, audit by subject.
-- Where a later version writes a word that this one does not know, this one disables the row that carries it.

-- People whose site signs them in have no login address of ours: `contact_email` is a label.
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
-- The site's own id: printable ASCII, compared byte for byte, fixed when the person is made.
ALTER TABLE users ADD COLUMN external_id TEXT;
ALTER TABLE users ADD COLUMN contact_email TEXT;
ALTER TABLE users ADD COLUMN email_verified BIGINT NOT NULL DEFAULT 0;
-- Whether the operator named this person a developer: their apps are trusted.
ALTER TABLE users ADD COLUMN developer BIGINT NOT NULL DEFAULT 0;
-- Who suspended the person: `operator` or `site`. Each lifts only its own suspension.
ALTER TABLE users ADD COLUMN suspended_by TEXT;
-- The moment of the site's last applied change, by the site's clock.
ALTER TABLE users ADD COLUMN as_of BIGINT;
CREATE UNIQUE INDEX users_external_id ON users (external_id);

-- Subjects of deleted people: an older change of the site does not bring them back.
CREATE TABLE deleted_subjects (
    external_id TEXT NOT NULL PRIMARY KEY,
    deleted BIGINT NOT NULL,
    as_of BIGINT NOT NULL
);

-- The last numeric id given, so that none is given twice, not even after its person is deleted.
INSERT INTO settings (name, value) SELECT 'last_user_number', COALESCE(MAX(number), 0) FROM users;

ALTER TABLE organizations ADD COLUMN external_id TEXT;
-- Reserved: one level of parent organizations, and which partner apps may be connected.
ALTER TABLE organizations ADD COLUMN parent_id BYTEA;
ALTER TABLE organizations ADD COLUMN partner_apps TEXT;
CREATE UNIQUE INDEX organizations_external_id ON organizations (external_id);

-- A membership or an approval that ends keeps its row for 30 days: its grants are paused, not ended.
ALTER TABLE memberships ADD COLUMN ended_at BIGINT;
CREATE INDEX memberships_ended ON memberships (ended_at) WHERE ended_at IS NOT NULL;

-- What an organization decided about an app: the scopes it allows at most, and until when.
CREATE TABLE approvals (
    organization_id BYTEA NOT NULL,
    app_id BYTEA NOT NULL,
    state TEXT NOT NULL,
    ceiling TEXT,
    until BIGINT,
    decided BIGINT NOT NULL,
    decided_by BYTEA,
    ended_at BIGINT,
    PRIMARY KEY (organization_id, app_id)
);
CREATE INDEX approvals_ended ON approvals (ended_at) WHERE ended_at IS NOT NULL;

-- `person`: a grant is its person's. `organization`: a grant is its organization's, and outlives who set it up.
ALTER TABLE apps ADD COLUMN acts_as TEXT NOT NULL DEFAULT 'person';
-- Decided at registration: declared, or registered by somebody whom the operator named.
ALTER TABLE apps ADD COLUMN trusted BIGINT NOT NULL DEFAULT 0;
-- Whether http://localhost is admitted with any port, as loopback addresses are (RFC 8252 §7.3).
ALTER TABLE apps ADD COLUMN localhost_any_port BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN review TEXT NOT NULL DEFAULT 'none';
ALTER TABLE apps ADD COLUMN description TEXT;
-- Links by name (homepage, support, privacy, terms, …), as a JSON object.
ALTER TABLE apps ADD COLUMN links TEXT NOT NULL DEFAULT '{}';
ALTER TABLE apps ADD COLUMN dialect TEXT;
CREATE INDEX apps_owner ON apps (owner_id);
-- Two keys of the name: names that look alike share one (UTS 39 §4). NULL: not computed yet.
ALTER TABLE apps ADD COLUMN name_key TEXT;
ALTER TABLE apps ADD COLUMN name_key_lower TEXT;
CREATE INDEX apps_name_key ON apps (name_key);
CREATE INDEX apps_name_key_lower ON apps (name_key_lower);
-- Locked while a name is checked and written, so that of two registrations at once one sees the other.
INSERT INTO settings (name, value) VALUES ('app_names', 0);

-- Developers who manage an app beside its owner.
CREATE TABLE app_team (
    app_id BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    added BIGINT NOT NULL,
    PRIMARY KEY (app_id, user_id)
);
CREATE INDEX app_team_user ON app_team (user_id);

-- Origins whose pages may read answers: those of the redirect URIs of live apps, and those that apps name.
CREATE TABLE app_origins (
    origin TEXT NOT NULL,
    app_id BYTEA NOT NULL,
    PRIMARY KEY (origin, app_id)
);
CREATE INDEX app_origins_app ON app_origins (app_id);

ALTER TABLE secrets ADD COLUMN description TEXT;
ALTER TABLE secrets ADD COLUMN created_by BYTEA;

ALTER TABLE resources ADD COLUMN environment TEXT;

-- `own`: by password here. `handover`: by the site.
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'own';
-- When the person last proved who they are; NULL: when the session was made.
ALTER TABLE sessions ADD COLUMN auth_time BIGINT;

-- What a site answered to a sign-in that was handed over, until the request ends. The value that the browser brings back is
-- derived, not stored.
CREATE TABLE handovers (
    request BYTEA NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    user_id BYTEA,
    organization_id BYTEA,
    error TEXT,
    message TEXT,
    auth_time BIGINT,
    acr TEXT,
    amr TEXT,
    accepted BIGINT NOT NULL,
    spent BIGINT,
    expires BIGINT NOT NULL
);
CREATE INDEX handovers_expires ON handovers (expires);

-- Rotations in a row that were each repeated from another source, and the keyed source of the last rotation.
ALTER TABLE grants ADD COLUMN repeats BIGINT NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN source BYTEA;
-- NULL: the person's. `organization`: the organization's; `user_id` is who set it up.
ALTER TABLE grants ADD COLUMN acts_as TEXT;
-- The API that the grant is for (RFC 8707); NULL: all.
ALTER TABLE grants ADD COLUMN resource TEXT;
-- What the consent page showed, as a JSON object.
ALTER TABLE grants ADD COLUMN shown TEXT;

ALTER TABLE audit_events ADD COLUMN source TEXT;
ALTER TABLE audit_events ADD COLUMN before TEXT;
ALTER TABLE audit_events ADD COLUMN after TEXT;
CREATE INDEX audit_events_happened ON audit_events (happened);
CREATE INDEX audit_events_app ON audit_events (app_id, id) WHERE app_id IS NOT NULL;
CREATE INDEX audit_events_user ON audit_events (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_events_organization ON audit_events (organization_id, id) WHERE organization_id IS NOT NULL;

-- What each server reads beyond the first version, as words separated by spaces: a new one is written once all read it.
ALTER TABLE nodes ADD COLUMN reads TEXT NOT NULL DEFAULT '';
