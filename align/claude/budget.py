"""What may be spent: a hard limit that counts what is under way."""


class Budget:
    """What may be spent; what is under way counts as if it cost the most that it can.

    Args:
        limit: In USD; None sets none.

    Attributes:
        spent: What replies cost.
        unsure: What tries that broke off may have cost; it counts as spent.
        reserved: What is under way may cost.
        unasked: How many requests the limit left out.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = self.unsure = self.reserved = 0.0
        self.unasked = 0

    def reserve(self, worst: float) -> bool:
        """Set aside what a request may cost; False where the limit does not hold it."""
        # A sum of many small floats may be off by a few units in its last place.
        slack = 1e-12
        used = self.spent + self.unsure + self.reserved
        if self.limit is not None and used + worst > self.limit + slack:
            return False
        self.reserved += worst
        return True

    @property
    def unspent(self) -> float:
        """Return the share of the limit that was not spent, 0 to 1."""
        if not self.limit:
            return 0.0 if self.limit == 0 else 1.0
        return max(0.0, 1 - (self.spent + self.unsure) / self.limit)

    def settle(self, reserved: float, actual: float | None) -> None:
        """Put what a request cost in the place of what was set aside.

        Where nobody says what it cost (None), all of that counts.
        """
        self.reserved = max(0.0, self.reserved - reserved)
        if actual is None:
            self.unsure += reserved
        else:
            self.spent += actual
