// passport-oauth2 under passport, as published. It sends the secret in the body and has no refresh of its own:
// applications call the `oauth` package below it, as passport-oauth2-refresh does.

import assert from "node:assert/strict";
import { promisify } from "node:util";
import passport from "passport";
import OAuth2Strategy from "passport-oauth2";
import { endAccess, given, identity, report as reported, visit } from "./person.js";

const report = (step, take) => reported(step, take, words);

await report("code", async () => shown(await connected()));
await report("refresh", async () => shown(await refreshed(await connected())));
await report("profile, token in the query", () => profile(false));
await report("profile, token in the header", () => profile(true));
await report("wrong secret", () => connected("not the secret"));
await report("code twice", codeTwice);
await report("access ended", accessEnded);

function strategy(secret = given("CLIENT_SECRET")) {
  const options = {
    authorizationURL: given("AUTHORIZE"),
    tokenURL: given("TOKEN"),
    clientID: given("CLIENT_ID"),
    clientSecret: secret,
    callbackURL: given("REDIRECT_URI"),
    scope: given("SCOPE").split(" "),
    scopeSeparator: " ",
    state: true,
    pkce: given("PKCE") !== "",
  };
  return new OAuth2Strategy(options, (accessToken, refreshToken, params, profile, done) =>
    done(null, { accessToken, refreshToken, params }),
  );
}

async function connected(secret) {
  const way = strategy(secret);
  return (await started(way))();
}

/** The two requests of the person's browser to the application: to the login, and back with the code. */
async function started(way) {
  const session = {};
  const { location } = await middleware(way, { session, query: {} });
  const query = Object.fromEntries(visit(location).searchParams);
  const kept = structuredClone(session);
  return async () => {
    const { user } = await middleware(way, { session: structuredClone(kept), query });
    return { way, ...user };
  };
}

function middleware(way, request) {
  return new Promise((resolve, reject) => {
    const settled = (error, user, info) => {
      if (error) reject(error);
      else if (user) resolve({ user });
      else reject(new Error(`failed: ${JSON.stringify(info)}`));
    };
    const headers = new Map();
    const response = {
      setHeader: (name, value) => headers.set(name, value),
      end: () => resolve({ location: headers.get("Location") }),
    };
    passport.authenticate(way, { session: false }, settled)({ method: "GET", headers: {}, ...request }, response, reject);
  });
}

function refreshed({ way, refreshToken }) {
  return new Promise((resolve, reject) => {
    const grant = { grant_type: "refresh_token" };
    way._oauth2.getOAuthAccessToken(refreshToken, grant, (error, accessToken, next, params) => {
      if (error) return reject(way._createOAuthError("Failed to refresh", error));
      assert.notEqual(next, refreshToken);
      resolve({ way, accessToken, refreshToken: next, params });
    });
  });
}

async function shown({ accessToken, params }) {
  const { token_type, expires_in, scope } = params;
  return `${token_type}, ${JSON.stringify(expires_in)} s, ${JSON.stringify(scope)}, ${await identity(accessToken)}`;
}

/** What most strategies built on this one do in `userProfile`. */
async function profile(inHeader) {
  const { way, accessToken } = await connected();
  way._oauth2.useAuthorizationHeaderforGET(inHeader);
  const get = promisify(way._oauth2.get.bind(way._oauth2));
  try {
    return JSON.parse(await get(given("IDENTITY"), accessToken)).email;
  } catch (error) {
    return error.statusCode;
  }
}

async function codeTwice() {
  const redeem = await started(strategy());
  await redeem();
  await redeem();
}

async function accessEnded() {
  const connection = await connected();
  endAccess();
  return shown(await refreshed(connection));
}

function words(error) {
  const below = error.oauthError && ` (${error.oauthError.statusCode} ${error.oauthError.data})`;
  return `${error.name} ${error.code}: ${error.message}${below ?? ""}`;
}
