"""One notifier as a process, in a time that runs faster.

``python -m tests.chaos.notifier DATABASE FOLDER WEBHOOK BEGAN``. The sixty seconds that a claim holds are three; all
else is the real thing.
"""

import asyncio
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from core.settings import Settings
from dashboard.notifier.service import Notifier
from sql.database import Database
from tests.notified import NOON

PACE = 20.0


def paced(began: float) -> datetime:
    """The time of all notifiers of a run that began at this second of the machine's clock."""
    return NOON + timedelta(seconds=(time.time() - began) * PACE)


async def pause(seconds: float) -> None:
    """Wait for so many of its seconds."""
    await asyncio.sleep(seconds / PACE)


async def run(url: str, folder: str, webhook: str, began: float) -> None:
    """Until it is killed."""
    database = Database.create(url, application="notifier")
    settings = Settings(data_dir=Path(folder), slack_webhook_url=webhook)
    await Notifier(database, settings, clock=lambda: paced(began), pause=pause).run()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])))
