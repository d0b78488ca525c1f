// Pages as template literals. Every value is escaped, unless it is HTML of this function itself.
const ESCAPED = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

class Html {
  constructor(text) {
    this.text = text;
  }
}

const shown = (value) => {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(shown).join("");
  return String(value ?? "").replace(/[&<>"']/g, (letter) => ESCAPED[letter]);
};

export const html = (parts, ...values) => new Html(String.raw({ raw: parts }, ...values.map(shown)));

// Adds `res.page(title, main)` to answers.
export function pages(req, res, next) {
  const links = ({ name, staff }) => html`
    ${name} · <a href="/connected-apps">Connected apps</a>
    ${staff ? html`· <a href="/people">People</a>` : ""}
    · <a href="/logout">Sign out</a>`;
  res.page = (title, main) =>
    res.send(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} · The Market</title>
<header><a href="/">The Market</a> ${req.person ? links(req.person) : html`<a href="/login">Sign in</a>`}</header>
<main><h1>${title}</h1>${main}</main>`.text);
  next();
}
