// Tells Hallpass what happens to a person later, and shows the apps that they connected.
import { Router } from "express";
import { html } from "./html.js";
import { people, SHOPS } from "./people.js";

const { HALLPASS_URL, HALLPASS_HANDOVER_SECRET } = process.env;

// Calls /handover/people/…. Null for somebody whom Hallpass does not know: they never connected an app.
export async function peopleApi(method, path, language = "en") {
  const answer = await fetch(`${HALLPASS_URL}/handover/people/${path.map(encodeURIComponent).join("/")}`, {
    method,
    signal: AbortSignal.timeout(10_000),
    headers: { authorization: `Bearer ${HALLPASS_HANDOVER_SECRET}`, "accept-language": language },
  });
  if (answer.status === 404 || answer.status === 204) return null;
  if (!answer.ok) throw new Error(`Hallpass answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

export const later = Router();

later.use("/connected-apps", (req, res, next) => (req.person ? next() : res.redirect(303, "/login?next=/connected-apps")));

later.get("/connected-apps", async (req, res) => {
  const found = await peopleApi("GET", [req.person.id, "grants"], req.get("accept-language"));
  const grants = (found?.grants ?? []).map(
    ({ id, app, organization, scopes }) => html`<form method="post">
      ${req.csrf}
      <h2>${app.name}</h2>
      ${organization ? html`<p>for ${organization.name}</p>` : ""}
      <ul>${scopes.map(({ title }) => html`<li>${title}</li>`)}</ul>
      <button name="end" value="${id}">End access</button>
    </form>`,
  );
  res.page("Connected apps", grants.length ? grants : html`<p>No app has access.</p>`);
});

later.post("/connected-apps", async (req, res) => {
  await peopleApi("DELETE", [req.person.id, "grants", req.body.end]);
  res.redirect(303, "/connected-apps");
});

later.use("/people", (req, res, next) => (req.person?.staff ? next() : res.sendStatus(403)));

later.get("/people", (req, res) => {
  const leave = (shop) => html`<button name="do" value="leave ${shop}">Remove from ${SHOPS[shop]}</button>`;
  const forms = [...people.values()].map(
    ({ id, name, shops, blocked }) => html`<form method="post">
      ${req.csrf}
      <input type="hidden" name="person" value="${id}">
      <h2>${name}</h2>
      ${blocked ? html`<button name="do" value="resume">Resume</button>` : html`<button name="do" value="suspend">Suspend</button>`}
      ${Object.keys(shops).map(leave)}
      <button name="do" value="delete">Delete</button>
    </form>`,
  );
  res.page("People", forms);
});

later.post("/people", async (req, res) => {
  const person = people.get(Number(req.body.person));
  if (!person) return res.sendStatus(404);
  const [word, shop] = req.body.do.split(" ");
  // Hallpass first: if the call fails, nothing has changed here, and the button can be pressed again.
  switch (word) {
    case "suspend":
    case "resume":
      await peopleApi("POST", [person.id, word]);
      person.blocked = word === "suspend";
      break;
    case "delete":
      await peopleApi("DELETE", [person.id]);
      people.delete(person.id);
      break;
    case "leave":
      await peopleApi("DELETE", [person.id, "organizations", shop]);
      delete person.shops[shop];
      break;
    default:
      return res.sendStatus(400);
  }
  res.redirect(303, "/people");
});
