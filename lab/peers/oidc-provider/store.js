// What oidc-provider keeps, in one plain Map of this process. Its own memory adapter holds a thousand entries and drops the
// oldest, so that tokens would vanish under load.

export default function store() {
  const kept = new Map();
  const keysOfGrant = new Map();

  return class Store {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload) {
      const key = this.key(id);
      kept.set(key, payload);
      if (payload.grantId === undefined) return;
      const keys = keysOfGrant.get(payload.grantId);
      if (keys === undefined) keysOfGrant.set(payload.grantId, [key]);
      else keys.push(key);
    }

    async find(id) {
      return kept.get(this.key(id));
    }

    async consume(id) {
      kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      kept.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const key of keysOfGrant.get(grantId) ?? []) kept.delete(key);
      keysOfGrant.delete(grantId);
    }

    async findByUid() {
      throw new Error('there are no sessions here');
    }

    async findByUserCode() {
      throw new Error('there is no device flow here');
    }
  };
}
