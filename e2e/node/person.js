// What a client's script has around it: its part from the environment, the person asked through the test, the report.
//
// Environment: E2E_ISSUER, E2E_AUTHORIZE, E2E_TOKEN, E2E_INTROSPECT, E2E_REVOKE, E2E_IDENTITY, E2E_CLIENT_ID,
// E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_SCOPE, E2E_PKCE (`S256`, or empty: without).

import assert from "node:assert/strict";
import { readSync } from "node:fs";

export function given(name) {
  const value = process.env[`E2E_${name}`];
  assert.ok(value !== undefined, `E2E_${name} is not set`);
  return value;
}

/** Sends the person to the authorization endpoint; returns the redirect behind their consent. */
export function visit(url) {
  return new URL(asked(`visit ${url}`));
}

/** Lets the person end the access on the page of connected apps. */
export function endAccess() {
  asked("end access");
}

/** Says what came of a step, in the client's own words where it fails. Whether it went well. */
export async function report(step, take, words = (error) => `${error.name}: ${error.message}`) {
  try {
    console.log(`${step}: ${await take()}`);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    console.log(`${step}: ${words(error)}`);
    return false;
  }
}

/** What the identity endpoint says with this token, where the client has no requests of its own. */
export async function identity(token) {
  const answer = await fetch(given("IDENTITY"), { headers: { authorization: `Bearer ${token}` } });
  return answer.ok ? (await answer.json()).email : answer.status;
}

function asked(request) {
  console.log(request);
  const bytes = [];
  const one = Buffer.alloc(1);
  while (readSync(0, one) === 1 && one[0] !== 10) bytes.push(one[0]);
  return Buffer.from(bytes).toString();
}
