"""The processes under test: the sandbox, the gateway and a peer. Waiting is for conditions, with deadlines."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

# A busy machine is slow; a passing run never waits this long.
patience_s = 60


class TimedOut(Exception):
    pass


def wait_until(condition, what, patience=patience_s, pause=0.05):
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimedOut(f"no {what} within {patience} s")
        time.sleep(pause)  # between two looks


class Failed(Exception):
    """An answer of 400 and above."""

    def __init__(self, status, body):
        super().__init__(f"{status} {json.dumps(body)[:600]}")
        self.status, self.body = status, body


def call(method, url, body=None, timeout=patience_s + 30):
    request = urllib.request.Request(url, method=method, headers={"Content-Type": "application/json"},
                                     data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            raise Failed(error.code, json.loads(text)) from None
        except ValueError:
            raise Failed(error.code, text.decode(errors="replace")) from None


started = []


def end_all():
    """What a failed scenario left running."""
    while started:
        child = started.pop()
        if child.poll() is None:
            child.kill()
            child.wait()


class Process:
    def __init__(self, command, log, env=None, stdin=None, stdout=None):
        self.log_path = log
        self.log_from = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=stdout or out, stderr=out,
                                          env={**os.environ, **(env or {})})
        started.append(self.child)

    def log(self):
        """What this process wrote; not what an earlier one did to the same file."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_from)
            return log.read().decode(errors="replace")

    def alive(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.child.args[0]} {self.child.args[1:2]} ended with status {self.child.returncode}")
        return True

    def stop(self, how=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            return self.child.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise TimedOut(f"{self.child.args[0]} did not end after signal {how}") from None


class Sandbox:
    def __init__(self, wharfd, directory):
        ready = directory / "sandbox.json"
        self.process = Process([wharfd, "sandbox", "--listen", "127.0.0.1:0", "--secure-listen", "127.0.0.1:0", "--control",
                                "127.0.0.1:0", "--seed", "7", "--ready-file", str(ready)], directory / "sandbox.log")
        wait_until(lambda: self.process.alive() and ready.exists(), "sandbox")
        addresses = json.loads(ready.read_text())
        self.url, self.secure_url = addresses["webSocketUrl"], addresses["secureWebSocketUrl"]
        self.root = addresses["noiseRootPublicKey"]
        self.control = addresses["controlUrl"].rstrip("/")
        if not self.control.endswith("/sandbox/v1"):
            self.control += "/sandbox/v1"
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_text(addresses["caCertificate"])

    def post(self, path, body=None):
        return call("POST", self.control + path, {} if body is None else body)["data"]

    def get(self, path):
        return call("GET", self.control + path)["data"]

    def phone(self, number, name):
        return Phone(self, self.post("/phones", {"phone": number, "name": name}))

    def faults(self, **wanted):
        self.post("/faults", wanted)

    def stop(self):
        self.process.stop()


class Phone:
    def __init__(self, sandbox, created):
        self.sandbox, self.number = sandbox, created["phone"]
        self.jid, self.lid = created["jid"], created["lid"]
        self.lid_user = self.lid.split("@")[0]

    def post(self, path, body):
        return self.sandbox.post(f"/phones/{self.number}{path}", body)

    def scan(self, qr):
        return self.post("/scan", {"qr": qr})

    def enter_code(self, code):
        return self.post("/enter-code", {"code": code})

    def messages(self):
        return self.sandbox.get(f"/phones/{self.number}/messages?limit=5000")

    def has(self, text):
        return [m for m in self.messages() if m["text"] == text and m["status"] != "failed"]


class Wharf:
    """`wharfd serve` on one data directory; it can be stopped and started again."""

    def __init__(self, wharfd, directory, sandbox):
        self.command = [wharfd, "serve", "--listen", "127.0.0.1:0", "--data", str(directory / "wharf"), "--network", sandbox.url,
                        "--network-root", sandbox.root, "--log-level", "debug",
                        "--set", "limits.session_creations_per_minute=0", "--set", "limits.messages_per_minute=0",
                        "--set", "limits.requests_per_minute=0"]
        self.log_path = directory / "wharf.log"
        self.events, self.cursor = [], 0
        self.start()

    def start(self):
        self.process = Process(self.command, self.log_path)
        listening = re.compile(r"listening address=([0-9.]+:\d+)")
        found = wait_until(lambda: self.process.alive() and listening.search(self.process.log()), "wharfd listening")
        self.base = f"http://{found.group(1)}/api/v1"

    def stop(self, how=signal.SIGTERM):
        return self.process.stop(how)

    def post(self, path, body=None):
        return call("POST", self.base + path, {} if body is None else body).get("data")

    def get(self, path):
        return call("GET", self.base + path)["data"]

    def create(self, session):
        return self.post("/sessions", {"sessionId": session})

    def session(self, session):
        return self.get(f"/sessions/{session}")

    def qr(self, session):
        def shown():
            view = self.session(session)
            return view.get("qr")
        return wait_until(shown, f"QR code of {session}")

    def wait_ready(self, session):
        def ready():
            view = self.session(session)
            return view["status"] == "ready" and view["connection"] == "connected"
        return wait_until(ready, f"ready {session}")

    def send(self, session, to, text):
        return self.post(f"/sessions/{session}/send-text", {"chatId": to, "content": text})["id"]

    def event(self, match, what, patience=patience_s):
        """The first event of the log, old or new, that matches."""
        deadline = time.monotonic() + patience
        seen = 0
        while True:
            for event in self.events[seen:]:
                if match(event):
                    return event
            seen = len(self.events)
            if time.monotonic() > deadline:
                raise TimedOut(f"no {what} within {patience} s")
            self.read_events(wait_ms=2_000)

    def read_events(self, wait_ms=0):
        page = call("GET", f"{self.base}/events?after={self.cursor}&limit=500&wait={wait_ms}")
        for event in page["data"]:
            self.events.append(event)
            self.cursor = max(self.cursor, event["id"])

    def received(self, session, text):
        return self.event(lambda e: e["event"] == "message" and e["sessionId"] == session and e["data"]["body"] == text,
                          f"message {text!r} in {session}")["data"]

    def acked(self, session, message, level, patience=patience_s):
        return self.event(lambda e: e["event"] == "ack" and e["sessionId"] == session and message in e["data"]["id"]
                          and e["data"]["ack"] == level, f"ack {level} of {message} in {session}", patience)

    def ack_level(self, session, message):
        return self.get(f"/sessions/{session}/messages/{message}")["ack"]


class Peer:
    """A third-party client in its driver process; it can be stopped and started again on the same state."""

    def __init__(self, kind, directory, sandbox, name="peer"):
        self.kind, self.name = kind, kind.name
        state = directory / name
        state.mkdir()
        self.log_path = directory / f"{name}.log"
        self.env = {"PEER_URL": sandbox.secure_url if kind.tls else sandbox.url, "PEER_ROOT": sandbox.root,
                    "PEER_CA": str(sandbox.ca_file), "PEER_STATE": str(state), "NODE_EXTRA_CA_CERTS": str(sandbox.ca_file)}
        self.events, self.changed, self.commands = [], threading.Condition(), 0
        self.start()

    def start(self):
        self.process = Process(self.kind.command(), self.log_path, self.env, subprocess.PIPE, subprocess.PIPE)
        threading.Thread(target=self.listen, args=(self.process.child.stdout,), daemon=True).start()
        self.since = len(self.events)
        self.wait("started")

    def listen(self, lines):
        for line in lines:
            with open(self.log_path, "ab") as log:
                log.write(b"EVENT " + line)
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def wait(self, name, patience=patience_s, since=None, **wanted):
        """The first event after `since` (default: of this process) with that name and those members."""
        start = self.since if since is None else since
        deadline = time.monotonic() + patience
        with self.changed:
            while True:
                for event in self.events[start:]:
                    if event["event"] == name and all(event.get(key) == value for key, value in wanted.items()):
                        return event
                if self.process.child.poll() is not None and name != "closed":
                    raise RuntimeError(f"{self.name} ended with status {self.process.child.returncode}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimedOut(f"no {name} {wanted} of {self.name} within {patience} s")
                self.changed.wait(min(left, 1))

    def saw(self, name, **wanted):
        with self.changed:
            return [e for e in self.events if e["event"] == name and all(e.get(k) == v for k, v in wanted.items())]

    def command(self, cmd, **arguments):
        self.commands += 1
        line = json.dumps({"cmd": cmd, "n": str(self.commands), **arguments})
        self.process.child.stdin.write(line.encode() + b"\n")
        self.process.child.stdin.flush()
        reply = self.wait("reply", n=str(self.commands), patience=90)
        if not reply["ok"]:
            raise RuntimeError(f"{self.name} {cmd}: {reply['error']}")
        return reply

    def send(self, to, text):
        return self.command("send", to=to, text=text)["id"]

    def received(self, text, from_number=None):
        message = self.wait("message", text=text, since=0)
        if from_number and message["pn"] and message["pn"] != from_number:
            raise AssertionError(f"{text!r} came from {message['pn']}, not {from_number}")
        return message

    def stop(self, how=signal.SIGTERM):
        self.process.stop(how)
