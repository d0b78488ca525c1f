// Signs the people of this site in at Hallpass.
import { Router } from "express";
import { described } from "./people.js";

const { HALLPASS_URL, HALLPASS_HANDOVER_SECRET } = process.env;

export const connect = Router().get("/connect/sign-in", async (req, res) => {
  const { person, session: { signedInAt = 0 } } = req;
  if (!person || signedInAt < Number(req.query.after ?? 0)) {
    return res.redirect(303, `/login?next=${encodeURIComponent(req.originalUrl)}`);
  }
  const answer = await fetch(`${HALLPASS_URL}/handover`, {
    method: "POST",
    signal: AbortSignal.timeout(10_000),
    headers: { authorization: `Bearer ${HALLPASS_HANDOVER_SECRET}`, "content-type": "application/json" },
    body: JSON.stringify({
      handover: req.query.handover ?? "",
      ...(person.blocked ? { error: "access_denied" } : described(person, signedInAt)),
    }),
  });
  const { redirect_to: address, error_description = "HALLPASS_URL is not its address" } = await answer.json();
  if (!address?.startsWith(`${HALLPASS_URL}/`)) throw new Error(`Hallpass: ${error_description}`);
  res.set("cache-control", "no-store").redirect(303, address);
});
