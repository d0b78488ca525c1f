-- An organization's own grants are found by the organization: for its page, and when it is deleted. No other grant is in
-- this index.
CREATE INDEX grants_of_organization ON grants (organization_id, id) WHERE acts_as IS NOT NULL;
-- When an owner left last. The organization's own grants are paused 30 days later, if there is no owner then.
ALTER TABLE organizations ADD COLUMN owned_until BIGINT;
CREATE INDEX memberships_of_owners ON memberships (organization_id) WHERE role = 'owner';
