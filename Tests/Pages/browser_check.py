#!/usr/bin/env python3
"""Looks at a page in headless Chromium, as a reader would: on a desktop in light and dark, on a phone, in print.

    Tests/Pages/browser_check.py PAGE.html [--shots FOLDER]

It fails where the browser's console has an error or a warning, where the page asks the network for anything, where
something is wider than the screen, where a text is too small or too pale to be read, where the keyboard cannot reach what
can be operated, or where a picture is not shown. Without Chromium it says so and ends with 0.
"""

import argparse
import pathlib
import shutil
import socket
import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request


class Socket:
    """As much of a WebSocket's client as Chromium's debugging port wants."""

    def __init__(self, url):
        host, path = url.removeprefix("ws://").split("/", 1)
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        assert b" 101 " in head, head

    def send(self, text):
        data = text.encode()
        mask = os.urandom(4)
        size = len(data)
        head = b"\x81" + (
            bytes([0x80 | size]) if size < 126 else
            b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)
        )
        self.socket.sendall(head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)))

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(min(1 << 20, count - len(data)))
            assert part, "the browser closed the connection"
            data += part
        return data

    def receive(self):
        message = b""
        while True:
            first, size = self.read(2)
            size &= 0x7F
            if size == 126:
                size = struct.unpack(">H", self.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.read(8))[0]
            message += self.read(size)
            if first & 0x80:
                return message.decode()


class Browser:
    """A Chromium of its own, driven over its debugging port."""

    def __init__(self, program, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [
                program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={folder}/profile",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        port_file = pathlib.Path(folder, "profile", "DevToolsActivePort")
        deadline = time.monotonic() + 120
        while not port_file.exists() or not port_file.read_text().strip():
            assert self.process.poll() is None, "Chromium ended at its start"
            assert time.monotonic() < deadline, "Chromium did not open its debugging port within two minutes"
            time.sleep(0.1)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=60) as answer:
            target = next(item for item in json.load(answer) if item["type"] == "page")
        self.socket = Socket(target["webSocketDebuggerUrl"])
        self.number = 0
        self.events = []

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self.events.append(message)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + 120
        while self.evaluate("document.readyState + location.href") != "complete" + url:
            assert time.monotonic() < deadline, f"{url} did not load within two minutes"
            time.sleep(0.1)

    def show(self, width, height, dark, media=""):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = "dark" if dark else "light"
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def shoot(self, path, whole=True):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# What is wider than the screen and not within a frame that scrolls.
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.wide, .skip, svg')
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"""

# Contrast of every text with the ground that it stands on, after WCAG 2; the smallest first.
CONTRAST = """(() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1] };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 }); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] > 0.5) return c } return [255, 255, 255, 1] };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('.skip') || e.closest('title, desc')) continue;
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
    const style = getComputedStyle(e), ink = parse(e instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), e.tagName + ': ' + e.textContent.slice(0, 40)]);
  }
  return found.sort((x, y) => x[0] - y[0]).slice(0, 1);
})()"""

# The smallest letters on the screen, in pixels: those of plots shrink with them.
SMALLEST = """Math.min(...[...document.querySelectorAll('svg.plot')].map(s =>
  parseFloat(getComputedStyle(s.querySelector('text')).fontSize) * s.getBoundingClientRect().width / 480))"""

PICTURES = "[...document.images].filter(i => !i.complete || i.naturalWidth == 0).length"
FOCUSABLE = "document.querySelectorAll('a[href], summary, [tabindex=\"0\"]').length"


def check(page, shots, program):
    faults = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        try:
            for domain in ["Page", "Runtime", "Log", "Network"]:
                browser.call(f"{domain}.enable")
            url = page.resolve().as_uri()
            for name, width, height, dark in [
                ("desktop-light", 1280, 900, False), ("desktop-dark", 1280, 900, True), ("phone-light", 390, 844, False),
                ("phone-dark", 390, 844, True),
            ]:
                browser.show(width, height, dark)
                browser.open(url)
                wide = browser.evaluate("document.documentElement.scrollWidth")
                if wide > width:
                    faults.append(f"{name}: {wide} pixels wide on a screen of {width}: {browser.evaluate(TOO_WIDE)[:5]}")
                palest = browser.evaluate(CONTRAST)
                if not palest or palest[0][0] < 4.5:
                    faults.append(f"{name}: a contrast of {palest}")
                smallest = browser.evaluate(SMALLEST) or 99
                if smallest < 10:
                    faults.append(f"{name}: letters of {smallest:.1f} pixels in a plot")
                if broken := browser.evaluate(PICTURES):
                    faults.append(f"{name}: {broken} pictures are not shown")
                print(f"{name}: {width} x {browser.evaluate('document.documentElement.scrollHeight')}, "
                      f"contrast {palest[0][0]:.1f} at least, plots' letters {smallest:.1f} pixels at least")
                if shots:
                    browser.shoot(shots / f"{name}.png")

            # The keyboard: every press of Tab goes to another place, until all were visited.
            browser.show(1280, 900, False)
            browser.open(url)
            expected, visited = browser.evaluate(FOCUSABLE), set()
            for press in range(expected + 1):
                for kind in ["keyDown", "keyUp"]:
                    browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
                place = browser.evaluate(
                    "[...document.querySelectorAll('*')].indexOf(document.activeElement)")
                if press == 0 and browser.evaluate("document.activeElement.className") != "skip":
                    faults.append("the first press of Tab does not reach the link that skips to the content")
                visited.add(place)
            hidden = browser.evaluate("document.querySelectorAll('details:not([open]) [tabindex=\"0\"]').length")
            if len(visited) < expected - hidden:
                faults.append(f"Tab reaches {len(visited)} of {expected - hidden} places")
            print(f"keyboard: {expected - hidden} places, Tab reaches {len(visited)}")

            pdf = browser.call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]
            if shots:
                (shots / "print.pdf").write_bytes(base64.b64decode(pdf))
            print(f"print: {len(base64.b64decode(pdf)) / 1e6:.1f} MB of PDF")

            for event in browser.events:
                method, parameters = event.get("method"), event.get("params", {})
                if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                    faults.append(f"console: {parameters['entry']['text']}")
                if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                    faults.append(f"console: {parameters}")
                if method == "Network.requestWillBeSent":
                    asked = parameters["request"]["url"]
                    if not asked.startswith(("data:", "file:")) or asked.startswith("file:") and asked != url:
                        faults.append(f"network: {asked}")
        finally:
            browser.close()
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path, help="a folder for screenshots and the print")
    arguments = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("skipped: there is no Chromium here (apt-get install chromium)")
        return 0
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    faults = check(arguments.page, arguments.shots, program)
    for fault in faults:
        print(f"fault: {fault}", file=sys.stderr)
    print(f"{arguments.page}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
