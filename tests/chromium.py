"""Headless Chromium, spoken to over a pipe (the DevTools protocol), and what it said of a page."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from pathlib import Path

from tests.support import require_program

_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-default-browser-check",
    "--hide-scrollbars", "--remote-debugging-pipe", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
#: Seconds for one answer.
_PATIENCE = 60

#: The lowest contrast of any text against what is behind it (WCAG 2.2, 1.4.3), with that text.
_CONTRAST = """(() => {
    const rgb = text => (text.match(/[0-9.]+/g) || [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = rgb(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    let least = [99, ''];
    for (const element of document.querySelectorAll('body *')) {
        if (![...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
        if (!element.getClientRects().length || element.tagName === 'title') continue;
        const style = getComputedStyle(element);
        const a = light(rgb(element.closest('svg') ? style.fill : style.color)), b = light(behind(element));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < least[0]) least = [ratio, element.textContent.slice(0, 40)];
    }
    return least;
})()"""

#: What a keyboard or a screen reader would miss on the page.
_OUTLINE = """(() => {
    const levels = [...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]));
    const all = (selector, sound) => [...document.querySelectorAll(selector)].every(sound);
    return Object.entries({
        'one h1, first, and no level left out': levels[0] === 1 && levels.lastIndexOf(1) === 0
            && levels.every((level, i) => !i || level - levels[i - 1] <= 1),
        'what scrolls can be reached and has a name': all('.scroll', e => e.tabIndex === 0 && e.ariaLabel),
        'what opens can be reached': all('summary', e => e.tabIndex === 0),
        'each chart has a name': all('svg', e => e.getAttribute('aria-label')),
        'each column has a head': all('table', t => t.querySelector('th[scope=col]')),
    }).filter(([, sound]) => !sound).map(([rule]) => rule);
})()"""


class Chromium:
    """One browser with one page. Everything it reports is kept in ``events``."""

    def __init__(self, home: Path):
        program = require_program("chromium")
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # Chromium reads from its descriptor 3 and writes to 4.
        command = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command, program, *_FLAGS, *sandbox, f"--user-data-dir={home}", "about:blank"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._number, self._rest, self._session = 0, b"", None
        self.events = []
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)

    def call(self, method, **parameters):
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def _message(self):
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            piece = os.read(self._in, 1 << 20)
            assert piece, "Chromium is gone"
            self._rest += piece
        whole, _, self._rest = self._rest.partition(b"\0")
        return json.loads(whole)

    def show(self, path, *, width=1200, height=900, theme="light", phone=False, media=""):
        """Open the file *path* and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.events.clear()
        self.call("Page.navigate", url=Path(path).absolute().as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._message())

    def run(self, expression):
        """Return the value of a JavaScript expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def contrast(self):
        """Return the lowest contrast of any text, and the start of that text."""
        return self.run(_CONTRAST)

    def outline_faults(self):
        """Return the rules of an outline for keyboard and screen reader that the page breaks."""
        return self.run(_OUTLINE)

    def cut_off(self):
        """Return the labels of the tables that are wider than their place and must be scrolled sideways."""
        return self.run(
            "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.ariaLabel)"
        )

    def complaints(self):
        """Return what the browser wrote to its console about the page: messages, exceptions, issues, reports."""
        self.run("new Promise(done => setTimeout(done, 50))")
        methods = {
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Audits.issueAdded",
        }
        return [e["params"] for e in self.events if e.get("method") in methods]

    def asked_for(self):
        """Return the addresses that the page made the browser load, the page's own included."""
        return [
            e["params"]["request"]["url"]
            for e in self.events
            if e.get("method") == "Network.requestWillBeSent"
        ]

    def screenshot(self, height):
        """Return a picture of the page's upper *height* pixels as PNG."""
        width = self.run("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(answer["data"])

    def pdf(self):
        """Return the page as it prints on A4."""
        return base64.b64decode(self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
