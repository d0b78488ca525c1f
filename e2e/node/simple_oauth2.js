// simple-oauth2, as published. It reads no metadata, makes no PKCE values and checks no `state`: the application does.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { AuthorizationCode, ClientCredentials } from "simple-oauth2";
import { endAccess, given, identity, report as reported, visit } from "./person.js";

const report = (step, take) => reported(step, take, words);

for (const method of ["header", "body"]) {
  await report(`code, ${method}`, async () => shown(await connected(method)));
  await report(`refresh, ${method}`, async () => shown(await refreshed(await connected(method))));
  await report(`client credentials, ${method}`, () => clientCredentials(method));
  await report(`wrong secret, ${method}`, () => connected(method, { secret: "not the secret" }));
}
await report("code, header unencoded", async () => shown(await connected("header", { mode: "loose" })));
await report("revocation", revoked);
await report("code twice", codeTwice);
await report("access ended", accessEnded);

function configuration(method, { secret = given("CLIENT_SECRET"), mode = "strict" } = {}) {
  const path = (name) => new URL(given(name)).pathname;
  return {
    client: { id: given("CLIENT_ID"), secret },
    auth: { tokenHost: given("ISSUER"), tokenPath: path("TOKEN"), revokePath: path("REVOKE") },
    options: { authorizationMethod: method, credentialsEncodingMode: mode },
  };
}

async function connected(method, how) {
  return (await started(method, how))();
}

/** What redeems the code that the person brought. */
async function started(method, how) {
  const { auth, ...rest } = configuration(method, how);
  const client = new AuthorizationCode({ auth: { ...auth, authorizePath: new URL(given("AUTHORIZE")).pathname }, ...rest });
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const pkce = given("PKCE") && { code_challenge: challenge, code_challenge_method: given("PKCE") };
  const redirect_uri = given("REDIRECT_URI");
  const redirected = visit(client.authorizeURL({ redirect_uri, scope: given("SCOPE").split(" "), state: "abc", ...pkce }));
  const code = redirected.searchParams.get("code");
  assert.equal(redirected.searchParams.get("state"), "abc");
  return () => client.getToken({ code, redirect_uri, ...(pkce && { code_verifier: verifier }) });
}

async function refreshed(before) {
  const after = await before.refresh();
  assert.notEqual(after.token.access_token, before.token.access_token);
  assert.notEqual(after.token.refresh_token, before.token.refresh_token);
  return after;
}

/** The expiry is the client's own reckoning. */
async function shown(access) {
  const { token_type, expires_in, expires_at, scope, access_token } = access.token;
  const minutes = Math.round((expires_at - Date.now()) / 60000);
  const facts = [token_type, `${JSON.stringify(expires_in)} s`, `expires in ${minutes} min`, JSON.stringify(scope)];
  return `${facts.join(", ")}, ${await identity(access_token)}`;
}

/** RFC 7009. */
async function revoked() {
  const access = await connected("header");
  await access.revokeAll();
  assert.equal(await identity(access.token.access_token), 401);
  return `done, then ${await refusal(access)}`;
}

async function clientCredentials(method) {
  const { token } = await new ClientCredentials(configuration(method)).getToken({ scope: given("SCOPE") });
  return `${token.token_type}, ${JSON.stringify(token.scope)}, refresh token ${token.refresh_token}`;
}

async function codeTwice() {
  const redeem = await started("header");
  await redeem();
  await redeem();
}

async function accessEnded() {
  const access = await connected("header");
  endAccess();
  return refusal(access);
}

async function refusal(access) {
  try {
    await access.refresh();
  } catch (error) {
    return words(error);
  }
  assert.fail("a void refresh token was refreshed");
}

function words(error) {
  return `${error.message} ${JSON.stringify(error.data?.payload)}`;
}
