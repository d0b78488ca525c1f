// The people of the site, and the shops that they work for.
import { scryptSync, timingSafeEqual } from "node:crypto";

export const SHOPS = { 10: "North Stall", 20: "South Stall" };

// Everybody's password is "correct horse". `blocked`: may connect no apps.
export const people = new Map(
  [
    {
      id: 1, username: "ann", name: "Ann Archer", shops: { 10: "owner", 20: "member" },
      password: "E2_Dv3JojEn5m1o0Uqjz0A.H11zqRHg_HYP_Ix8JvOkBkRAxxPDHaKgPp0dfmkqKsg",
    },
    {
      id: 2, username: "ben", name: "Ben Baker", shops: { 20: "member" },
      password: "fxFDcQayfjy2VG0okng2fw.Kd02_AHviw-Jdj5Olhr0l2-JF-k7yVZtXhx-1QwBC7I",
    },
    {
      id: 3, username: "cleo", name: "Cleo Cook", shops: {}, staff: true,
      password: "Y5rx_IKqv5I8y7K2p9rTlA.hd6FbF1gDub3g-_z1qYwf7Afphvj6Tv8io3VtUf-WsQ",
    },
    {
      id: 4, username: "dan", name: "Dan Dyer", shops: { 20: "member" }, blocked: true,
      password: "04xjB6dgKPkWoseRrsuBHA.qUoy7cUQ2gWFzKE46N7RaRmyGEXljGUyxkOJYRM2KJI",
    },
  ].map((person) => [person.id, person]),
);

// What Hallpass hears of a person.
export const described = ({ id, username, name, shops }, signedInAt) => ({
  subject: String(id),
  email: `${username}@market.example`,
  email_verified: true,
  name,
  auth_time: signedInAt,
  organizations: Object.entries(shops).map(([shop, role]) => ({ id: shop, name: SHOPS[shop], role })),
});

export const withPassword = (username, password) =>
  [...people.values()].find((person) => person.username === username && fits(person.password, password));

function fits(hashed, password) {
  const [salt, hash] = hashed.split(".").map((part) => Buffer.from(part, "base64url"));
  return timingSafeEqual(hash, scryptSync(password, salt, hash.length));
}
