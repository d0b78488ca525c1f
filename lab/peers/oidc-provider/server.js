// A server on oidc-provider with its defaults: opaque tokens, no pages. `GET /codes?n=…` makes so many codes as a person's
// consent would have made them. It is started from the folder where the packages are, which is not this one.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import store from './store.js';

const installed = createRequire(join(process.cwd(), 'package.json'));
const { default: Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));
const { CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, RESOURCE, RESOURCE_SECRET, CODE_CHALLENGE, PORT, DATABASE_URL } = process.env;
const accountId = 'person1@example.com';
const scope = 'read offline_access';

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  adapter: await store(DATABASE_URL),
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      redirect_uris: [REDIRECT_URI],
    },
    {
      client_id: RESOURCE,
      client_secret: RESOURCE_SECRET,
      grant_types: [],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  scopes: ['read', 'offline_access'],
  // The bench takes longer than the minute that a code has by default.
  ttl: { AuthorizationCode: 600 },
});

async function code() {
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope(scope);
  const allowed = new provider.AuthorizationCode({
    accountId,
    client: await provider.Client.find(CLIENT_ID),
    codeChallenge: CODE_CHALLENGE,
    codeChallengeMethod: 'S256',
    grantId: await grant.save(),
    redirectUri: REDIRECT_URI,
    scope,
  });
  return allowed.save();
}

async function codes(n, response) {
  const made = [];
  while (made.length < n) {
    const together = Array.from({ length: Math.min(100, n - made.length) }, code);
    made.push(...(await Promise.all(together)));
  }
  response.end(made.join('\n'));
}

const protocol = provider.callback();
const server = createServer((request, response) => {
  const n = /^\/codes\?n=(\d+)$/.exec(request.url)?.[1];
  return n === undefined ? protocol(request, response) : codes(Number(n), response);
});
server.listen(Number(PORT), '127.0.0.1');
