// openid-client, as published, against a Hallpass server on preset `default`.
//
// Environment: E2E_ISSUER, E2E_CLIENT_ID, E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_USERNAME, E2E_PASSWORD, E2E_SCOPE.
// Ends with 0 if every step went as the RFCs say.

import assert from "node:assert/strict";
import * as oauth from "openid-client";
import { allow } from "./forms.js";

for (const method of ["ClientSecretBasic", "ClientSecretPost"]) {
  console.log(`-- ${method}`);
  const config = await discover(oauth[method](given("CLIENT_SECRET")));
  const first = await authorizationCode(config);
  await introspection(config, first);
  const second = await refresh(config, first);
  await revocation(config, second);
  await clientCredentials(config);
}

/** RFC 8414: openid-client compares the issuer itself. */
async function discover(authentication) {
  const config = await oauth.discovery(new URL(given("ISSUER")), given("CLIENT_ID"), undefined, authentication, {
    algorithm: "oauth2",
    execute: [oauth.allowInsecureRequests], // the server under test speaks http on the loopback
  });
  assert.ok(config.serverMetadata().supportsPKCE());
  passed("metadata is found and names the issuer");
  return config;
}

/** RFC 6749 §4.1 with RFC 7636; openid-client checks `state` and `iss` (RFC 9207) itself. */
async function authorizationCode(config) {
  assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true);
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
  const expectedState = oauth.randomState();
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: given("REDIRECT_URI"),
    scope: given("SCOPE"),
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
  });
  const redirected = await allow(url, given("REDIRECT_URI"), given("USERNAME"), given("PASSWORD"));
  const token = await oauth.authorizationCodeGrant(config, redirected, { pkceCodeVerifier, expectedState });
  const person = await oauth.fetchUserInfo(config, token.access_token, oauth.skipSubjectCheck);
  assert.equal(person.email, given("USERNAME"));
  passed("a code is exchanged, and the token opens the identity endpoint");
  return token;
}

/** RFC 7662. */
async function introspection(config, token) {
  const answer = await oauth.tokenIntrospection(config, token.access_token);
  assert.equal(answer.active, true);
  assert.equal(answer.client_id, given("CLIENT_ID"));
  assert.equal(answer.scope, given("SCOPE"));
  assert.deepEqual({ ...(await oauth.tokenIntrospection(config, "unknown")) }, { active: false });
  passed("introspection tells a live token from an unknown one");
}

/** RFC 6749 §6. */
async function refresh(config, before) {
  const after = await oauth.refreshTokenGrant(config, before.refresh_token);
  assert.notEqual(after.access_token, before.access_token);
  assert.notEqual(after.refresh_token, before.refresh_token);
  passed("a refresh gives a new pair");
  return after;
}

/** RFC 7009: an access token ends alone, a refresh token takes its grant with it. */
async function revocation(config, token) {
  await oauth.tokenRevocation(config, token.access_token, { token_type_hint: "access_token" });
  await gone(config, token.access_token);
  const successor = await oauth.refreshTokenGrant(config, token.refresh_token);
  await oauth.tokenRevocation(config, successor.refresh_token, { token_type_hint: "refresh_token" });
  await gone(config, successor.access_token);
  await assert.rejects(oauth.refreshTokenGrant(config, successor.refresh_token), { error: "invalid_grant" });
  passed("revocation ends a token, then the grant");
}

/** RFC 6749 §4.4. */
async function clientCredentials(config) {
  const token = await oauth.clientCredentialsGrant(config, { scope: given("SCOPE") });
  assert.equal(token.refresh_token, undefined);
  const answer = await oauth.tokenIntrospection(config, token.access_token);
  assert.equal(answer.active, true);
  passed("an app gets a token for itself, without a refresh token");
}

async function gone(config, token) {
  const answer = await oauth.tokenIntrospection(config, token);
  assert.deepEqual({ ...answer }, { active: false });
}

function given(name) {
  const value = process.env[`E2E_${name}`];
  assert.ok(value, `E2E_${name} is not set`);
  return value;
}

function passed(what) {
  console.log("ok", what);
}
