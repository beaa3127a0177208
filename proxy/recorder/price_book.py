"""The prices that requests are priced by: the list that comes with the program, and the installation's own before it.

Whoever holds a train's row knows how often the own prices were changed (``record_lock_train``), so what was read once
is used as long as nothing has changed, and a request is never priced by what is no more.
"""

from dataclasses import asdict, dataclass, field
from importlib.resources import files

from core.models import Recording
from core.prices import PriceList, own_price, parse
from core.pricing import NOT_WHOLE, Bill, Unpriced, bill, cost, sold, total
from proxy.recorder.readable import moment
from sql.database import Transaction
from sql.rows.prices import PriceRow
from sql.rows.record import TrainLock


def list_bytes() -> bytes:
    """The file of the list that comes with the program."""
    return files("core").joinpath("prices.toml").read_bytes()


def listed() -> PriceList:
    """The list that comes with the program. Raises BadSettingError where somebody spoilt it."""
    return parse(list_bytes())


@dataclass(slots=True)
class PriceBook:
    """All prices, as of the last change."""

    prices: PriceList = field(default_factory=listed)
    _changes: int = 0

    async def open(self, transaction: Transaction, lock: TrainLock) -> PriceList:
        """The prices of this moment. Raises sql's errors."""
        if lock.price_changes != self._changes:
            rows = await transaction.fetch("prices_own", PriceRow)
            self.prices = self.prices.with_own(map(own_price, map(asdict, rows)))
            self._changes = lock.price_changes
        return self.prices


def billed(recording: Recording, prices: PriceList) -> Bill:
    """What a recorded call cost: the price is the one valid at its start, of the model that answered."""
    start, head = recording.start, recording.head
    if recording.batch is not None:
        # Each message by itself: bands are of single prompts.
        at = moment(start.at_us)
        whole = total(cost(one.usage, one.model, at, prices) for one in recording.batch.messages)
        return whole if recording.batch.whole else Unpriced(NOT_WHOLE)
    return bill(
        recording.usage,
        recording.answered_model or recording.model,
        moment(start.at_us),
        prices,
        sold=sold(start.method, start.target, None if head is None else head.status),
    )
