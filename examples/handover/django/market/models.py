from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    blocked = models.BooleanField("may connect no apps", default=False)

    def described(self, signed_in_at):
        """What Hallpass hears of the person."""
        work = self.work.select_related("shop").order_by("shop")
        return {
            "subject": str(self.pk), "email": self.email, "email_verified": True, "name": self.get_full_name(),
            "auth_time": signed_in_at,
            "organizations": [{"id": str(one.shop.pk), "name": one.shop.name, "role": one.role} for one in work],
        }


class Shop(models.Model):
    name = models.CharField(max_length=100)


class Work(models.Model):
    """The work of a person in a shop."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="work")
    shop = models.ForeignKey(Shop, models.CASCADE)
    role = models.CharField(max_length=20, choices=[("owner", "owner"), ("member", "member")])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "shop"], name="one_role_in_a_shop")]
