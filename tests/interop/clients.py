"""The two ends of a conversation: Wharf as a client of its API sees it, and a peer in its driver process."""
import json
import os
import signal
import subprocess
import threading
import time

from processes import Failed, Gateway, Process, wait_for

# A busy machine is slow; a passing run never waits this long.
patience_s = 60


class Wharf(Gateway):
    """A gateway with one event log that is read by waiting for events."""

    def __init__(self, wharfd, directory, sandbox):
        self.events, self.cursor = [], "0"
        super().__init__(wharfd, directory, sandbox, log_level="debug")

    def post(self, path, body=None):
        return self.http.post("/api/v1" + path, body).get("data")

    def get(self, path):
        return self.http.get("/api/v1" + path)["data"]

    def create(self, session):
        return self.post("/sessions", {"sessionId": session})

    def wait_connected(self, session):
        def connected():
            view = self.session(session)
            return view["status"] == "ready" and view["connection"] == "connected"
        return wait_for(f"{session} to be ready and connected", connected, patience_s)

    def send(self, session, to, text):
        return self.post(f"/sessions/{session}/send-text", {"chatId": to, "content": text})["id"]

    def event(self, match, what, patience=patience_s, since=0):
        """The first event of the log, old or new, that matches; `since`: behind so many of it."""
        deadline = time.monotonic() + patience
        seen = since
        while True:
            for event in self.events[seen:]:
                if match(event):
                    return event
            seen = len(self.events)
            if time.monotonic() > deadline:
                raise Failed(f"no {what} within {patience} s")
            self.read_events(wait_ms=2_000)

    def read_events(self, wait_ms=0):
        page = self.http.get(f"/api/v1/events?after={self.cursor}&limit=500&wait={wait_ms}")
        self.events += page["data"]
        self.cursor = page["nextCursor"]
        return page["data"]

    def now(self):
        """How many events there are: `since` of what is still to come."""
        while self.read_events():
            pass
        return len(self.events)

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
        self.kind, self.name, self.directory, self.file = kind, kind.name, directory, name
        state = os.path.join(directory, name)
        os.mkdir(state)
        self.environment = {"PEER_URL": sandbox.secure_url if kind.tls else sandbox.url, "PEER_ROOT": sandbox.root,
                            "PEER_CA": sandbox.ca, "PEER_STATE": state, "NODE_EXTRA_CA_CERTS": sandbox.ca, "TMPDIR": state,
                            "PEER_MEDIA": sandbox.secure_url.replace("wss://", "https://").split("/ws/")[0]}
        self.events, self.changed, self.commands = [], threading.Condition(), 0
        self.reader = None
        self.start()

    def start(self):
        if self.reader:
            self.reader.join()  # its last events belong to the process before
        self.since = len(self.events)
        self.process = Process(self.file, self.kind.command(), self.directory, self.environment, subprocess.PIPE, subprocess.PIPE)
        self.reader = threading.Thread(target=self.listen, args=(self.process.child.stdout,), daemon=True)
        self.reader.start()
        self.wait("started")

    def listen(self, lines):
        for line in lines:
            with open(self.process.log_path, "ab") as log:
                log.write(b"EVENT " + line)
            event = json.loads(line)
            if "event" not in event:  # Baileys' own log of communities writes to the same place
                continue
            with self.changed:
                self.events.append(event)
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait(self, name, /, patience=patience_s, since=None, **wanted):
        """The first event after `since` (default: of this process) with that name and those members."""
        start = self.since if since is None else since
        deadline = time.monotonic() + patience
        with self.changed:
            while True:
                ended = not self.reader.is_alive()  # before the look: afterwards nothing comes any more
                for event in self.events[start:]:
                    if event["event"] == name and all(event.get(key) == value for key, value in wanted.items()):
                        return event
                if ended:
                    raise RuntimeError(f"{self.name} ended without {name} {wanted}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failed(f"no {name} {wanted} of {self.name} within {patience} s")
                self.changed.wait(min(left, 1))

    def saw(self, name, /, **wanted):
        with self.changed:
            return [e for e in self.events if e["event"] == name and all(e.get(k) == v for k, v in wanted.items())]

    def command(self, cmd, patience=90, **arguments):
        self.commands += 1
        line = json.dumps({"cmd": cmd, "n": str(self.commands), **arguments})
        self.process.child.stdin.write(line.encode() + b"\n")
        self.process.child.stdin.flush()
        reply = self.wait("reply", n=str(self.commands), patience=patience)
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
