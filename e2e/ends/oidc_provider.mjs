// An authorization server on oidc-provider for tests of clients and resource servers: in memory, signs the person in and allows
// everything without asking. It is started from the folder where the packages are, which is not this one.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const installed = createRequire(join(process.cwd(), 'package.json'));
const { default: Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));
const { CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, PERSON, PUBLIC_JWK } = process.env;

const client = {
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  redirect_uris: [REDIRECT_URI],
  id_token_signed_response_alg: 'ES256',
};
const clients = [{ ...client, client_id: CLIENT_ID, client_secret: CLIENT_SECRET }];
if (PUBLIC_JWK) {
  const own = { keys: [JSON.parse(PUBLIC_JWK)] };
  clients.push({ ...client, client_id: 'signer', token_endpoint_auth_method: 'private_key_jwt', jwks: own });
}

const OPAQUE = 'https://opaque.example';
const api = {
  scope: 'read write',
  audience: 'https://api.example',
  accessTokenTTL: 60,
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: 'ES256' } },
};
const opaque = { ...api, audience: OPAQUE, accessTokenFormat: 'opaque' };

const key = installed('jose');

/** A new key to sign with. */
async function signer(kid) {
  const { privateKey } = await key.generateKeyPair('ES256', { extractable: true });
  return { ...(await key.exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid };
}
const jwks = { keys: [await signer('one')] };

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const configuration = {
  clients,
  jwks,
  cookies: { keys: ['only for tests'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_, resource) => (resource === OPAQUE ? opaque : api),
      useGrantedResource: () => true,
    },
    revocation: { enabled: true },
  },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['read', 'write', 'offline_access'],
  ttl: { AccessToken: 60, ClientCredentials: 60 },
};
let provider = new Provider(issuer, configuration);
let protocol = provider.callback();
let signers = 1;

/** Signs with a new key from now on. The old one stays in the set; `alone` takes it out. */
async function rotate(alone) {
  signers += 1;
  const fresh = await signer(`key-${signers}`);
  jwks.keys = alone ? [fresh] : [fresh, ...jwks.keys];
  // Its tokens and grants are in the memory of this process, which both share.
  provider = new Provider(issuer, configuration);
  protocol = provider.callback();
}

/** Answers the question of an interaction as a person who signs in and allows would. */
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const result = { login: { accountId: PERSON } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const found = grantId && (await provider.Grant.find(grantId));
  const grant = found || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? '');
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, params.scope ?? '');
  const result = { consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

server.on('request', (request, response) => {
  if (request.url.startsWith('/rotate')) {
    return rotate(request.url.endsWith('?alone')).then(() => response.writeHead(204).end());
  }
  if (!request.url.startsWith('/interaction/')) return protocol(request, response);
  interact(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
console.log(`listening on ${issuer}`);
