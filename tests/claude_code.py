"""Real Claude Code in a home of its own. Installed from npm by ``make test``; FOOTPLATE_CLAUDE names another binary."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

VERSION = "2.1.328"
KEY = "sk-ant-test-" + "0" * 40
INSTALLED = Path(__file__).parent.parent / ".venv" / "node" / "node_modules" / ".bin" / "claude"


def binary() -> str:
    """Where Claude Code is; says how to get it when it is nowhere."""
    found = os.environ.get("FOOTPLATE_CLAUDE") or (str(INSTALLED) if INSTALLED.exists() else shutil.which("claude"))
    if not found:
        raise FileNotFoundError(f"Claude Code is not installed: npm install @anthropic-ai/claude-code@{VERSION}")
    return found


def environment(base_url: str, home: Path) -> dict[str, str]:
    """Nothing of this machine's own Claude Code, and no traffic but to the base URL."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_API_KEY": KEY,
        "IS_SANDBOX": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


async def run_headless(base_url: str, folder: Path, prompt: str, *more: str) -> dict[str, Any]:
    """``claude -p``: its JSON result. ``folder`` gets a home and a working folder, which later runs continue."""
    home, work = folder / "home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    arguments = ["-p", prompt, "--output-format", "json", "--allowedTools", "Bash,Read,Agent,Task", *more]
    process = await asyncio.create_subprocess_exec(
        binary(),
        *arguments,
        cwd=work,
        env=environment(base_url, home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 90)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    if not out.strip():
        raise AssertionError(f"claude printed nothing: {err.decode(errors='replace')[-2000:]}")
    return json.loads(out)
