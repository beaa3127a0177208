"""`footplate up`: starts everything on one machine, restarts what dies, stops in order."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from core.errors import FootplateError
from core.settings import Settings
from deploy import announcement, health, listening, preflight, roles
from deploy.database import database
from deploy.exit_codes import INTERRUPTED, REFUSALS, exit_code
from deploy.folder import claimed
from deploy.keeper import Keeper, Patience, run_once, say
from deploy.settings import child_environment

POLL_SECONDS = 0.05
# `timeout`, `make` and terminals may deliver one wish twice, to the process and to its group.
ONE_WISH_SECONDS = 0.1
DATABASE_PATIENCE_SECONDS = 15.0
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run(settings: Settings) -> int:
    """Run until told to stop; returns the exit code. Raises FootplateError where it can not start."""
    preflight.check(settings)
    # What comes before they are caught waits until then: it would end us as if we had been killed.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    with claimed(settings.data_dir):
        return asyncio.run(Supervisor(listening.settled(settings)).run())


class Supervisor:
    """One machine's processes. ``run`` is all there is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = database(settings)
        self._environment = child_environment(settings.model_copy(update={"database_url": self._database.url}))
        self._patience = Patience()
        self._stopping = asyncio.Event()
        self._told_at: float | None = None
        self._ready = False
        self._code = 0
        self._proxies = [self._keeper(role) for role in roles.proxies(settings)]
        self._dashboard = self._keeper(roles.dashboard())
        self._recorder = self._keeper(roles.recorder())

    async def run(self) -> int:
        """Start, watch, stop. Proxies start beside Postgres, not after it: they relay and tape without a database."""
        began = time.monotonic()
        self._catch_signals()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._serve())
            for keeper in (*self._proxies, self._dashboard):
                group.create_task(keeper.run())
            starting = [group.create_task(job) for job in (self._record(), self._announce(began))]
            await self._stopping.wait()
            for task in starting:
                task.cancel()
            await self._stop()
            serving.cancel()
        return INTERRUPTED if self._patience.lost else self._code

    def _keeper(self, role: roles.Role) -> Keeper:
        return Keeper(role, self._environment, self._start_again)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOPS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # under nohup a closed terminal is no reason
                loop.add_signal_handler(number, self._told_to_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # before any child is started, for it would inherit that

    def _told_to_stop(self) -> None:
        now = time.monotonic()
        if self._told_at is None:
            self._told_at = now
        elif now - self._told_at > ONE_WISH_SECONDS:
            self._patience.lose()
        self._stopping.set()

    def _start_again(self, code: int) -> bool:
        """Until everything has answered once, a refusal is passed on; afterwards it is a crash to recover from."""
        if self._ready or code not in REFUSALS:
            return True
        self._refused(code)
        return False

    def _refused(self, code: int) -> None:
        self._code = self._code or code
        self._stopping.set()

    async def _serve(self) -> None:
        try:
            await self._database.run()
        except FootplateError as error:
            say(str(error))
            self._refused(exit_code(error))

    async def _record(self) -> None:
        await self._database.migrate()
        await self._recorder.run()

    async def _announce(self, began: float) -> None:
        for ask in (health.ask_proxy, health.ask_dashboard):
            await self._answers(ask)
        with suppress(TimeoutError):
            async with asyncio.timeout(DATABASE_PATIENCE_SECONDS):
                await self._database.tried.wait()
                if self._database.migrated.is_set():
                    # It may have met the server before that was up, and rests a moment before it tries again.
                    await self._answers(health.ask_dashboard, well=True)
        if self._stopping.is_set():
            return
        if not self._database.migrated.is_set():
            say("the database is not ready: calls are relayed and kept on the tape until it is")
        self._ready = True
        with suppress(OSError):  # who started us may have stopped reading
            print(announcement.ready(self._settings, self._database.title, time.monotonic() - began), flush=True)

    async def _answers(self, ask: Callable[[Settings], health.Answer], *, well: bool = False) -> None:
        while True:  # another process has no event to wait for
            answer = await asyncio.to_thread(ask, self._settings)
            if answer.ok or (answer.status and not well):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _stop(self) -> None:
        """Streams first, then what they left on the tape, then the database under it all."""
        if not self._patience.lost and self._ready:
            say("stopping: running calls may finish; a second signal ends them")
        async with asyncio.TaskGroup() as group:
            hurrying = group.create_task(self._hurry())
            await self._stop_all(self._proxies)
            await self._stop_all([self._recorder, self._dashboard])
            await self._record_the_rest()
            await self._database.close()
            hurrying.cancel()

    async def _hurry(self) -> None:
        """After a second signal nobody waits for anybody: all are stopped at the same time."""
        await self._patience.gone.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stop_all([self._recorder, self._dashboard]))
            group.create_task(self._database.close())

    async def _stop_all(self, keepers: Sequence[Keeper]) -> None:
        async with asyncio.TaskGroup() as group:
            for keeper in keepers:
                group.create_task(keeper.stop(self._patience))

    async def _record_the_rest(self) -> None:
        """What the proxies taped last; the next start would find it too, so this may be cut short."""
        if self._ready and not self._patience.lost and self._database.migrated.is_set():
            await run_once(roles.last_recording(), self._environment, self._patience)
