"""Screenshots of the page by a headless Chromium, driven through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

#: CSS pixels across, and pixels of the picture for each.
WIDTH, DENSITY = 390, 2
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    *("--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--remote-debugging-port=0"),
    # The page is our own and loads nothing; as root, in a container, Chromium does not start with its sandbox.
    "--no-sandbox",
)
_START_LIMIT_S, _CALL_LIMIT_S = 30.0, 30.0
#: A picture of something very tall is wanted by nobody.
_TALLEST = 6_000
_MEASURE = """(() => { const box = document.getElementById(%s).getBoundingClientRect();
return [box.x + scrollX, box.y + scrollY, box.width, box.height]; })()"""


def find_chromium() -> Path | None:
    """The browser on the search path, if there is one."""
    return next((Path(found) for name in _NAMES if (found := shutil.which(name))), None)


async def photograph(
    chromium: Path, page: Path, wanted: Sequence[Sequence[str]], *, is_dark: bool
) -> Mapping[str, bytes]:
    """A PNG of each group of neighbouring elements, under the id of its first; raises TimeoutError or OSError."""
    async with _browser(chromium) as tab:
        await tab.call(
            "Emulation.setDeviceMetricsOverride", width=WIDTH, height=844, deviceScaleFactor=DENSITY, mobile=True
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await tab.call("Emulation.setEmulatedMedia", features=[scheme])
        await tab.call("Page.enable")
        await tab.call("Page.navigate", url=page.resolve().as_uri())
        await tab.event("Page.loadEventFired")
        return {group[0]: await _shoot(tab, group) for group in wanted}


async def _shoot(tab: _Tab, group: Sequence[str]) -> bytes:
    boxes = [await tab.measure(name) for name in group]
    top = min(box[1] for box in boxes)
    bottom = max(box[1] + box[3] for box in boxes)
    clip = {"x": 0, "y": top, "width": WIDTH, "height": min(bottom - top, _TALLEST), "scale": 1}
    shot = await tab.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
    return base64.b64decode(shot["data"])


class _Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._seen: list[str] = []

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """One command and its result; raises OSError where Chromium refuses it."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(_CALL_LIMIT_S):
            while True:
                told = await self._socket.receive_json()
                if told.get("id") == number:
                    break
                self._seen.append(told.get("method", ""))
        if "error" in told:
            raise OSError(f"{method}: {told['error']}")
        result: dict[str, Any] = told["result"]
        return result

    async def measure(self, name: str) -> list[float]:
        """Left, top, width and height of the element with this id."""
        found = await self.call("Runtime.evaluate", expression=_MEASURE % json.dumps(name), returnByValue=True)
        if "exceptionDetails" in found:
            raise OSError(f"the page has no element {name}")
        return [float(number) for number in found["result"]["value"]]

    async def event(self, name: str) -> None:
        async with asyncio.timeout(_CALL_LIMIT_S):
            while name not in self._seen:
                self._seen.append((await self._socket.receive_json()).get("method", ""))


@asynccontextmanager
async def _browser(chromium: Path) -> AsyncIterator[_Tab]:
    """A browser with a profile of its own; neither is left when the block ends."""
    with tempfile.TemporaryDirectory(prefix="gallery-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *_FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                port = await _port(process, Path(profile, "DevToolsActivePort"))
            async with aiohttp.ClientSession() as session:
                address = await _tab_address(session, port)
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield _Tab(socket)
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_CALL_LIMIT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _port(process: asyncio.subprocess.Process, told: Path) -> int:
    """Chromium writes the port that it has chosen into its profile."""
    while True:
        if process.returncode is not None:
            raise OSError(f"Chromium ended at once, with exit code {process.returncode}")
        with suppress(OSError, ValueError, IndexError):
            return int(told.read_text("utf-8").splitlines()[0])
        await asyncio.sleep(0.05)


async def _tab_address(session: aiohttp.ClientSession, port: int) -> str:
    async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
        tabs = await response.json()
    return next(str(tab["webSocketDebuggerUrl"]) for tab in tabs if tab["type"] == "page")
