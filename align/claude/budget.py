"""What may be spent: a hard limit that counts what is under way."""

import asyncio

# A sum of many small floats may be off by a few units in its last place.
_SLACK = 1e-12


class OverBudget(Exception):
    """The budget does not hold what an attempt may cost."""


class Budget:
    """What may be spent; what is under way counts as if it cost the most that it can.

    Args:
        limit: In USD; None sets none.

    Attributes:
        spent: What replies cost.
        unsure: What tries may have cost of which nobody says so; it counts as spent.
        reserved: What is under way may cost.
        unasked: How many requests the limit left out.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = self.unsure = self.reserved = 0.0
        self.unasked = 0
        self._settled = asyncio.Event()

    def reserve(self, worst: float) -> bool:
        """Set aside what a request may cost; False where the limit does not hold it."""
        used = self.spent + self.unsure + self.reserved
        if self.limit is not None and used + worst > self.limit + _SLACK:
            return False
        self.reserved += worst
        return True

    async def hold(self, worst: float) -> None:
        """Set it aside once what is under way leaves room; OverBudget where it never will."""
        while not self.reserve(worst):
            if self.reserved <= _SLACK:
                raise OverBudget
            self._settled.clear()
            await self._settled.wait()

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
        self._settled.set()
