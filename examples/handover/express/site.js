// A market's site with people, passwords and sessions of its own.
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import express from "express";
import session from "express-session";
import { connect } from "./connect.js";
import { html, pages } from "./html.js";
import { later, peopleApi } from "./later.js";
import { people, withPassword } from "./people.js";

const { PORT = "9500", SITE_HTTPS, SITE_SECRET } = process.env;
const app = express();
app.disable("x-powered-by");
app.use(
  session({
    secret: SITE_SECRET,
    resave: false,
    saveUninitialized: false,
    // "strict" would hide the session from a request that another site caused, and so from the one that an app caused.
    cookie: { httpOnly: true, sameSite: "lax", secure: Boolean(SITE_HTTPS) },
  }),
);
app.use(express.urlencoded({ extended: false }));
app.use(forms);
app.use((req, res, next) => {
  req.person = people.get(req.session.person);
  next();
});
app.use(pages, connect, later);

// Forms carry a secret of the session, so that another site cannot send them.
function forms(req, res, next) {
  req.session.csrf ??= randomBytes(32).toString("base64url");
  if (req.method === "POST" && req.body?.csrf !== req.session.csrf) return res.sendStatus(403);
  req.csrf = html`<input type="hidden" name="csrf" value="${req.session.csrf}">`;
  next();
}

app.get("/", (req, res) => res.page("Welcome", html`<p>You are signed ${req.person ? "in" : "out"}.</p>`));

const login = (req, wrong) => html`
  ${wrong ? html`<p role="alert">This name and password do not belong together.</p>` : ""}
  <form method="post">
    ${req.csrf}
    <label>Name <input name="username" autocomplete="username" required></label>
    <label>Password <input type="password" name="password" autocomplete="current-password" required></label>
    <button>Sign in</button>
  </form>`;

app.get("/login", (req, res) => res.page("Sign in", login(req, false)));

app.post("/login", async (req, res) => {
  const person = withPassword(req.body.username, req.body.password ?? "");
  if (!person) return res.status(401).page("Sign in", login(req, true));
  await promisify(req.session.regenerate).call(req.session);
  req.session.person = person.id;
  req.session.signedInAt = Math.floor(Date.now() / 1000);
  // Only a path of this site.
  const next = /^\/(?![/\\])[!-~]*$/.test(req.query.next) ? req.query.next : "/";
  res.redirect(303, next);
});

app.get("/logout", (req, res) => {
  if (!req.person) return res.redirect(303, "/");
  res.page("Sign out?", html`<form method="post">${req.csrf}<button>Sign out</button></form>`);
});

app.post("/logout", async (req, res) => {
  const { person } = req;
  await promisify(req.session.destroy).call(req.session);
  if (person) {
    await peopleApi("POST", [person.id, "sign-out"]).catch((error) => console.error("not signed out at Hallpass", error));
  }
  res.redirect(303, "/");
});

app.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${PORT}`));
