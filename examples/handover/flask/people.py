"""The people of the site, and the shops that they work for."""

from dataclasses import dataclass, field

from flask import session

SHOPS = {10: "North Stall", 20: "South Stall"}


@dataclass
class Person:
    id: int
    username: str
    name: str
    password: str  # hashed
    shops: dict[int, str] = field(default_factory=dict)  # the role in each
    staff: bool = False
    blocked: bool = False  # may connect no apps

    @property
    def email(self):
        return f"{self.username}@market.example"

    def described(self, signed_in_at):
        """What Hallpass hears of the person."""
        shops = [{"id": str(id), "name": SHOPS[id], "role": role} for id, role in self.shops.items()]
        return {
            "subject": str(self.id), "email": self.email, "email_verified": True, "name": self.name,
            "auth_time": signed_in_at, "organizations": shops,
        }


# Everybody's password is "correct horse".
PEOPLE = [
    Person(1, "ann", "Ann Archer", "scrypt:32768:8:1$OXhBViBTJv21biEF$807d2d55d408031a0108c125901de8f3fd063e0b241a6ab35aa8386abf6f382d0293541f03c7cbd9f529b94e9591e78ee8857ef52f14f7630f5693915045c862", {10: "owner", 20: "member"}),
    Person(2, "ben", "Ben Baker", "scrypt:32768:8:1$ps4CgNJuVDjVllbJ$9af8ad90e7357704997db6ef284d75e34a7831fffd204ffe27ede7ad82280843acda13f85ec76c46f54813aa62745fe14c5d8a82edbff9c2ff2f41ded5f9a63b", {20: "member"}),
    Person(3, "cleo", "Cleo Cook", "scrypt:32768:8:1$EiThADWrbw94nKwN$8477982d82a668169b303f8f019660b53caea3b80f8408f49d116c64785052d18a9781ee8fc8d1152f812bafa04af3f5e26bde4ad00d425ee0838c9b4c77e2ea", staff=True),
    Person(4, "dan", "Dan Dyer", "scrypt:32768:8:1$9HiKWzL7ZGY69tnK$0c1ef191910416800ca3a3496a9dab8014c1641c11fb6552a1e8702f3ac407299d76fa2b671512bfb3371c1705a4923ccfee9e3829cc7bf37db37b98430c56ba", {20: "member"}, blocked=True),
]


def find(**wanted):
    """The person with these values, or None."""
    return next((person for person in PEOPLE if all(getattr(person, key) == value for key, value in wanted.items())), None)


def current_person():
    """The person who is signed in, or None."""
    return find(id=session.get("person"))
