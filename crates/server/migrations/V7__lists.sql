-- Lists are read a page at a time, each in the order of an index.
CREATE INDEX apps_of_organization ON apps (organization_id, id);
CREATE INDEX apps_of_organization_by_client_id ON apps (organization_id, client_id);
CREATE INDEX memberships_of_organization ON memberships (organization_id, user_id);
