"""The `footplate` command. Nothing heavy is imported before a command runs: help answers at once."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from core.errors import BadSettingError, FootplateError
from core.version import VERSION
from deploy.exit_codes import FAILURE, exit_code

if TYPE_CHECKING:
    from core.settings import Settings

EXIT_CODES = "Exit codes: 0 ok, 1 failure, 2 usage, 75 already running, 78 bad configuration, 130 interrupted."

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,  # rich would take a third of the 150 ms that help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
database_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Bring the database up to date.")
app.add_typer(database_app, name="db")


def _folder(given: str) -> Path:
    if not given.strip():  # an unset variable in a script, most likely: not the current folder
        raise BadSettingError("--data-dir is empty: name a folder, or leave the flag out")
    return Path(given)


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Data folder. [~/.local/share/footplate; for root /var/lib/footplate]",
        parser=_folder,
        metavar="DIRECTORY",
    ),
]
ProxyPort = Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the proxy; 0 picks a free one. [3000]")]
DashboardPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port of the dashboard; 0 picks a free one. [3001]")
]
Upstream = Annotated[str | None, typer.Option(help="Where calls are forwarded to. [https://api.anthropic.com]")]
Bind = Annotated[str | None, typer.Option(help="Address to listen on. [127.0.0.1]")]
Slot = Annotated[int, typer.Option(min=0, max=63, help="Which worker this is; each has a tape of its own.")]


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"footplate {VERSION}")
        raise typer.Exit


@app.callback()
def footplate(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Record every call to the Anthropic Messages API and look at it.

    \b
    Examples:
      footplate up
      footplate run -- claude
      footplate status

    Every flag has an environment variable; the README lists all settings.
    """  # noqa: D301 - \b is click's mark for "do not fill this paragraph"


@app.command()
def up(
    data_dir: DataDir = None,
    proxy_port: ProxyPort = None,
    dashboard_port: DashboardPort = None,
    upstream: Upstream = None,
    bind: Bind = None,
    no_embedded: Annotated[
        bool, typer.Option("--no-embedded", help="Never start the embedded Postgres: DATABASE_URL must be set.")
    ] = False,
) -> None:
    """Start everything on this machine: Postgres, proxy, recorder and dashboard, until Ctrl-C or SIGTERM.

    The next start with the same data folder continues where this one stopped.

    \b
    Examples:
      footplate up
      footplate up --proxy-port 4000 --dashboard-port 4001 --data-dir /srv/footplate
      DATABASE_URL=postgresql://footplate@db/footplate footplate up --no-embedded
    """  # noqa: D301
    from deploy import supervisor

    settings = _settings(
        data_dir=data_dir, proxy_port=proxy_port, dashboard_port=dashboard_port, upstream_url=upstream, bind=bind
    )
    if no_embedded and settings.database_url is None:
        raise BadSettingError("--no-embedded needs DATABASE_URL: the Postgres to use instead of the embedded one")
    raise typer.Exit(supervisor.run(settings))


@app.command()
def proxy(
    data_dir: DataDir = None,
    proxy_port: ProxyPort = None,
    upstream: Upstream = None,
    bind: Bind = None,
    slot: Slot = 0,
) -> None:
    """Run one proxy worker in this process: relay calls and write them to the tape.

    \b
    Examples:
      footplate proxy
      footplate proxy --proxy-port 4000 --slot 1
    """  # noqa: D301
    settings = _settings(data_dir=data_dir, proxy_port=proxy_port, upstream_url=upstream, bind=bind)
    _become(settings, "proxy", "--slot", str(slot))


@app.command()
def record(
    data_dir: DataDir = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is on the tapes now, then exit.")] = False,
) -> None:
    """Bring what is on the tapes into Postgres.

    With the embedded Postgres it uses the server of a running `footplate up`, or starts it for the time being.

    \b
    Examples:
      footplate record --once
      DATABASE_URL=postgresql://footplate@db/footplate footplate record
    """  # noqa: D301
    from deploy import errands

    raise typer.Exit(errands.record(_settings(data_dir=data_dir), once=once))


app.command("recorder", hidden=True)(record)


@app.command()
def rebuild(
    data_dir: DataDir = None,
    train: Annotated[str | None, typer.Option(help="Only this train.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only requests from this time on (UTC).")] = None,
) -> None:
    """Derive usage, cost and conversations again from the stored bytes, by the code that records.

    Recording may go on meanwhile. One that was broken off goes on where it was.

    \b
    Examples:
      footplate rebuild
      footplate rebuild --train atlas --since 2026-11-01
    """  # noqa: D301
    from deploy import errands

    raise typer.Exit(errands.rebuild(_settings(data_dir=data_dir), train=train, since=_utc(since)))


@app.command()
def reprice(
    data_dir: DataDir = None,
    train: Annotated[str | None, typer.Option(help="Only this train.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only requests from this time on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only requests before this time (UTC).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, change nothing.")] = False,
) -> None:
    """Price recorded requests again by the prices of today, roll-ups too; recording may go on meanwhile.

    One that was broken off goes on where it was.

    \b
    Examples:
      footplate reprice --dry-run
      footplate reprice --train atlas --since 2026-10-07 --until 2026-11-01
    """  # noqa: D301
    from deploy import errands

    told = _settings(data_dir=data_dir)
    raise typer.Exit(errands.reprice(told, train=train, since=_utc(since), until=_utc(until), dry_run=dry_run))


@app.command()
def dashboard(data_dir: DataDir = None, dashboard_port: DashboardPort = None, bind: Bind = None) -> None:
    """Run the dashboard in this process: pages and JSON API.

    \b
    Examples:
      DATABASE_URL=postgresql://footplate@db/footplate footplate dashboard
      footplate dashboard --dashboard-port 4001
    """  # noqa: D301
    _become(_settings(data_dir=data_dir, dashboard_port=dashboard_port, bind=bind), "dashboard")


@app.command(context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The client and its arguments, after --.")],
    proxy_port: ProxyPort = None,
    bind: Bind = None,
) -> None:
    """Run a client through the proxy: sets ANTHROPIC_BASE_URL for it, nothing else.

    \b
    Examples:
      footplate run -- claude
      footplate run -- python my_agent.py
    """  # noqa: D301
    from deploy import processes
    from deploy.listening import proxy_url

    processes.become_client(command, proxy_url(_settings(proxy_port=proxy_port, bind=bind)))


@app.command()
def status(
    proxy_port: ProxyPort = None,
    dashboard_port: DashboardPort = None,
    bind: Bind = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Say whether proxy and dashboard answer; exit 1 when one does not.

    \b
    Examples:
      footplate status
      footplate status --json
    """  # noqa: D301
    from deploy import health

    settings = _settings(proxy_port=proxy_port, dashboard_port=dashboard_port, bind=bind)
    answers = health.ask_all(settings)
    typer.echo(health.as_json(answers) if as_json else health.as_lines(answers))
    raise typer.Exit(0 if all(answer.ok for answer in answers) else FAILURE)


@database_app.command("migrate")
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's schema up to date; `footplate up` does this by itself.

    \b
    Examples:
      DATABASE_URL=postgresql://footplate@db/footplate footplate db migrate
      footplate db migrate --data-dir /srv/footplate
    """  # noqa: D301
    from deploy import errands

    for name in errands.migrate(_settings(data_dir=data_dir)):
        typer.echo(f"applied {name}")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)


def _settings(**flags: object) -> "Settings":
    from deploy.settings import load

    return load(flags)


def _become(settings: "Settings", module: str, *arguments: str) -> NoReturn:
    from deploy import processes

    processes.become(settings, module, *arguments)


def main() -> None:
    """Run the command line. Our own errors are one line on stderr and their exit code."""
    try:
        app(prog_name="footplate")
    except FootplateError as error:
        typer.echo(f"footplate: {error}", err=True)
        sys.exit(exit_code(error))
