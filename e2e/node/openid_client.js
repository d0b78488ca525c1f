// openid-client, as published. It finds the endpoints itself (RFC 8414) and checks `state` and `iss` (RFC 9207).

import assert from "node:assert/strict";
import * as oauth from "openid-client";
import { endAccess, given, report as reported, visit } from "./person.js";

const report = (step, take) => reported(step, take, words);

let hooked = false;
hooked = !(await report("code", async () => shown(await connected("ClientSecretBasic"))));
const hook = hooked ? ", with a hook" : "";
for (const method of ["ClientSecretBasic", "ClientSecretPost"]) {
  await report(`refresh, ${method}${hook}`, async () => shown(await refreshed(await connected(method))));
  await report(`introspection, ${method}`, async () => introspected(await connected(method)));
  await report(`revocation, ${method}`, async () => revoked(await connected(method)));
  await report(`client credentials, ${method}`, () => clientCredentials(method));
  await report(`wrong secret, ${method}`, () => connected(method, "not the secret"));
}
await report("code twice", codeTwice);
await report("access ended", accessEnded);

async function discovered(method, secret = given("CLIENT_SECRET")) {
  const config = await oauth.discovery(new URL(given("ISSUER")), given("CLIENT_ID"), undefined, oauth[method](secret), {
    algorithm: "oauth2",
    execute: [oauth.allowInsecureRequests], // the server under test speaks http on the loopback
  });
  assert.ok(config.serverMetadata().supportsPKCE());
  assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true);
  if (hooked) config[oauth.customFetch] = calledBearer;
  return config;
}

async function connected(method, secret) {
  const config = await discovered(method, secret);
  return { config, token: await (await started(config))() };
}

/** What redeems the code that the person brought. */
async function started(config) {
  const expectedState = oauth.randomState();
  const request = { redirect_uri: given("REDIRECT_URI"), scope: given("SCOPE"), state: expectedState };
  const checks = { expectedState };
  if (given("PKCE")) {
    checks.pkceCodeVerifier = oauth.randomPKCECodeVerifier();
    request.code_challenge = await oauth.calculatePKCECodeChallenge(checks.pkceCodeVerifier);
    request.code_challenge_method = given("PKCE");
  }
  const redirected = visit(oauth.buildAuthorizationUrl(config, request));
  return () => oauth.authorizationCodeGrant(config, redirected, checks);
}

async function refreshed({ config, token: before }) {
  const token = await oauth.refreshTokenGrant(config, before.refresh_token);
  assert.notEqual(token.access_token, before.access_token);
  assert.notEqual(token.refresh_token, before.refresh_token);
  return { config, token };
}

async function shown({ config, token }) {
  const answer = await oauth.fetchProtectedResource(config, token.access_token, new URL(given("IDENTITY")), "GET");
  const { email } = await answer.json();
  return `${token.token_type}, ${JSON.stringify(token.expires_in)} s, ${JSON.stringify(token.scope)}, ${email}`;
}

/** RFC 7662. */
async function introspected({ config, token }) {
  const live = await oauth.tokenIntrospection(config, token.access_token);
  assert.equal(live.active, true);
  assert.equal(live.client_id, given("CLIENT_ID"));
  const unknown = await oauth.tokenIntrospection(config, "unknown");
  return `${Object.keys(live).join(", ")}; unknown: ${JSON.stringify(unknown)}`;
}

/** RFC 7009: an access token ends alone, a refresh token takes its grant with it. */
async function revoked(connection) {
  const { config } = connection;
  await oauth.tokenRevocation(config, connection.token.access_token, { token_type_hint: "access_token" });
  assert.equal((await oauth.tokenIntrospection(config, connection.token.access_token)).active, false);
  const { token } = await refreshed(connection);
  await oauth.tokenRevocation(config, token.refresh_token, { token_type_hint: "refresh_token" });
  assert.equal((await oauth.tokenIntrospection(config, token.access_token)).active, false);
  return `done, then ${await refusal(config, token)}`;
}

async function clientCredentials(method) {
  const token = await oauth.clientCredentialsGrant(await discovered(method), { scope: given("SCOPE") });
  return `${token.token_type}, ${JSON.stringify(token.scope)}, refresh token ${token.refresh_token}`;
}

async function codeTwice() {
  const redeem = await started(await discovered("ClientSecretBasic"));
  await redeem();
  await redeem();
}

async function accessEnded() {
  const { config, token } = await connected("ClientSecretBasic");
  endAccess();
  return refusal(config, token);
}

async function refusal(config, token) {
  try {
    await oauth.refreshTokenGrant(config, token.refresh_token);
  } catch (error) {
    return words(error);
  }
  assert.fail("a void refresh token was refreshed");
}

/** What openid-client offers for servers with a token type of their own: a fetch of the application's. */
async function calledBearer(url, options) {
  const answer = await fetch(url, options);
  const text = (await answer.text()).replace(/"token_type":"BearerToken"/, '"token_type":"Bearer"');
  return new Response(text, { status: answer.status, headers: answer.headers });
}

function words(error) {
  const { error: code, error_description: description, cause } = error;
  const said = code ? [code, description].filter(Boolean).join(", ") : error.message;
  const because = [Array.isArray(cause) && JSON.stringify(cause), cause?.message].filter(Boolean);
  return [`${error.constructor.name}: ${said}`, ...because].join(", ");
}
