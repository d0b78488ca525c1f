// A person without a browser: signs in and allows access by filling in the forms of the pages.

import assert from "node:assert/strict";

const MAX_PAGES = 8;

/** Walks from the authorization URL to the redirect and returns the URL redirected to. */
export async function allow(authorizationUrl, redirectUri, username, password) {
  const cookies = new Map();
  let answer = await visit(cookies, authorizationUrl);
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const location = answer.headers.get("location");
    if (location) {
      const target = new URL(location, answer.url);
      if (target.href.startsWith(redirectUri)) return target;
      answer = await visit(cookies, target);
      continue;
    }
    const text = await answer.text();
    assert.equal(answer.status, 200, `${answer.url} answered ${answer.status}: ${text}`);
    const form = filledIn(text, username, password);
    answer = await visit(cookies, new URL(form.action, answer.url), form.fields);
    assert.ok(answer.status < 300 || answer.status >= 400 || answer.status === 303, "POSTs answer 303");
  }
  assert.fail(`no redirect to ${redirectUri} after ${MAX_PAGES} pages`);
}

async function visit(cookies, url, body) {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const method = body ? "POST" : "GET";
  const answer = await fetch(url, { method, body, headers: { cookie }, redirect: "manual" });
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    cookies.set(name, value);
  }
  return answer;
}

/** The page's sign-in or consent form with what a person would type and press. */
function filledIn(page, username, password) {
  for (const form of forms(page)) {
    if (form.names.has("password")) {
      form.fields.set("username", username);
      form.fields.set("password", password);
      return form;
    }
    if (form.names.has("decision")) {
      form.fields.set("decision", "allow");
      return form;
    }
  }
  assert.fail(`neither a sign-in nor a consent form on the page:\n${page}`);
}

function* forms(page) {
  for (const [, head, body] of page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)) {
    const names = new Set();
    const fields = new URLSearchParams();
    for (const [, control] of body.matchAll(/<(?:input|button)\b([^>]*)>/gs)) {
      const name = attribute(control, "name");
      if (name) names.add(name);
      if (attribute(control, "type") === "hidden") fields.set(name, attribute(control, "value") ?? "");
    }
    yield { action: attribute(head, "action") ?? "", names, fields };
  }
}

function attribute(text, name) {
  const found = new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s"'>]+))`).exec(text);
  return found && unescaped(found[1] ?? found[2]);
}

function unescaped(text) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|(amp|lt|gt|quot));/gi, (_, hex, decimal, name) =>
    name ? named[name.toLowerCase()] : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );
}
