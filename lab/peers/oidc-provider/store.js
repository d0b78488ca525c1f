// What oidc-provider keeps, in one table of PostgreSQL: the adapters among its examples have the same columns. Statements are
// named, so that each connection of the pool prepares them once.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const installed = createRequire(join(process.cwd(), 'package.json'));
const { Pool } = installed('pg');

const TABLE = `CREATE TABLE IF NOT EXISTS kept (
  model TEXT NOT NULL, id TEXT NOT NULL, payload JSON NOT NULL, grant_id TEXT, expires TIMESTAMPTZ, consumed BIGINT,
  PRIMARY KEY (model, id)
);
CREATE INDEX IF NOT EXISTS kept_grant ON kept (grant_id);`;

const UPSERT = `INSERT INTO kept (model, id, payload, grant_id, expires) VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
  ON CONFLICT (model, id) DO UPDATE SET payload = EXCLUDED.payload, grant_id = EXCLUDED.grant_id, expires = EXCLUDED.expires`;
const FIND = 'SELECT payload, consumed FROM kept WHERE model = $1 AND id = $2';
const CONSUME = 'UPDATE kept SET consumed = $3 WHERE model = $1 AND id = $2';
const DESTROY = 'DELETE FROM kept WHERE model = $1 AND id = $2';
const REVOKE = 'DELETE FROM kept WHERE grant_id = $1';

export default async function store(url) {
  const pool = new Pool({ connectionString: url });
  await pool.query(TABLE);
  const run = (name, text, values) => pool.query({ name, text, values });

  return class Store {
    constructor(model) {
      this.model = model;
    }

    async upsert(id, payload, expiresIn) {
      await run('upsert', UPSERT, [this.model, id, JSON.stringify(payload), payload.grantId, expiresIn]);
    }

    async find(id) {
      const { rows } = await run('find', FIND, [this.model, id]);
      if (rows.length === 0) return undefined;
      const [{ payload, consumed }] = rows;
      return consumed === null ? payload : { ...payload, consumed: Number(consumed) };
    }

    async consume(id) {
      await run('consume', CONSUME, [this.model, id, Math.floor(Date.now() / 1000)]);
    }

    async destroy(id) {
      await run('destroy', DESTROY, [this.model, id]);
    }

    async revokeByGrantId(grantId) {
      await run('revoke', REVOKE, [grantId]);
    }

    async findByUid() {
      throw new Error('there are no sessions here');
    }

    async findByUserCode() {
      throw new Error('there is no device flow here');
    }
  };
}
