"""Runs `wharfd serve`, `wharfd sandbox` and peers as processes and talks to them over HTTP. Waiting is for conditions,
with deadlines that a passing run never meets. Standard library only."""
import base64
import http.client
import http.server
import json
import os
import queue
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse


class Failed(Exception):
    pass


def wait_for(what, condition, seconds=60.0):
    """Polls `condition` until it returns something true; the only way tests wait."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"timed out after {seconds:.0f} s waiting for {what}")
        time.sleep(0.01)


def free_port():
    """Below the range from which the kernel takes the ports of outgoing connections: a client that knocks while the
    daemon is down could get the daemon's own port otherwise, and connect to itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first_outgoing = int(f.read().split()[0])
    while True:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", random.randrange(min(10_000, first_outgoing - 1), first_outgoing)))
                return s.getsockname()[1]
            except OSError:
                continue


class Http:
    """A keep-alive JSON client; one per thread."""

    def __init__(self, address, timeout=60):
        self.address, self.timeout, self.connection = address, timeout, None

    def raw(self, method, path, body=None, headers=None):
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        sent = {"Content-Type": "application/json"} if data is not None else {}
        sent.update(headers or {})
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection(self.address, timeout=self.timeout)
            try:
                self.connection.request(method, path, data, sent)
                response = self.connection.getresponse()
                return response.status, response.read(), response
            except (http.client.HTTPException, OSError):
                self.close()
                if fresh or method not in ("GET",):  # a stale keep-alive connection: once more, reading only
                    raise
        raise AssertionError

    def call(self, method, path, body=None, headers=None, expect=None):
        status, data, _ = self.raw(method, path, body, headers)
        try:
            answer = json.loads(data) if data else {}
        except ValueError:
            answer = {"raw": data[:200]}
        if expect is not None and status not in expect:
            raise Failed(f"{method} {path} -> {status} {json.dumps(answer)[:400]}")
        return status, answer

    def get(self, path):
        return self.call("GET", path, expect=(200,))[1]

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, body if body is not None else {}, headers, expect=(200, 201, 202))[1]

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


started = []


def end_all():
    """What a failed scenario left running."""
    while started:
        child = started.pop()
        if child.poll() is None:
            child.kill()
            child.wait()


class Process:
    """A child whose output goes to <directory>/<name>.log, appended when it is started again."""

    def __init__(self, name, arguments, directory, environment=None, stdin=None, stdout=None):
        self.name, self.log_path = name, os.path.join(directory, f"{name}.log")
        self.log_from = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as output:
            self.child = subprocess.Popen(arguments, stdin=stdin or subprocess.DEVNULL, stdout=stdout or output,
                                          stderr=output, env={**os.environ, **(environment or {})})
        started.append(self.child)

    def alive(self):
        return self.child.poll() is None

    def running(self):
        """True, or Failed with its last words."""
        if not self.alive():
            raise Failed(f"{self.name} ended with status {self.child.returncode}: {self.tail()}")
        return True

    def stop(self, how=signal.SIGTERM):
        """Its exit status. A process that does not end in time is killed, and that is a failure."""
        if self.alive():
            self.child.send_signal(how)
        try:
            return self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Failed(f"{self.name} did not end after signal {how}") from None

    def log(self):
        """What this process wrote; not what an earlier one did to the same file."""
        with open(self.log_path, "rb") as f:
            f.seek(self.log_from)
            return f.read().decode(errors="replace")

    def tail(self, lines=30):
        return "\n".join(self.log().splitlines()[-lines:])


class Phone:
    """A simulated phone of the sandbox."""

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

    def code_pending(self):
        """A companion's request to be linked by a code has come; some clients show their code before they send it."""
        return any(p["phone"] == self.number and p["codePending"] for p in self.sandbox.get("/phones"))

    def messages(self):
        return self.sandbox.get(f"/phones/{self.number}/messages?limit=5000")

    def has(self, text):
        return [m for m in self.messages() if m["text"] == text and m["status"] != "failed"]


class Sandbox:
    """`wharfd sandbox` with its control API."""

    def __init__(self, wharfd, directory, seed=7, options=()):
        ready = os.path.join(directory, "sandbox.json")
        self.process = Process("sandbox", [wharfd, "sandbox", "--listen", "127.0.0.1:0", "--secure-listen", "127.0.0.1:0",
                                           "--control", "127.0.0.1:0", "--seed", str(seed), "--ready-file", ready,
                                           "--log-level", "warn", *options], directory)
        wait_for("the sandbox to listen", lambda: self.process.running() and os.path.exists(ready), 60)
        with open(ready) as f:
            self.info = json.load(f)
        self.url, self.secure_url = self.info["webSocketUrl"], self.info["secureWebSocketUrl"]
        self.root = self.info["noiseRootPublicKey"]
        self.control = Http(urllib.parse.urlsplit(self.info["controlUrl"]).netloc)
        self.ca = os.path.join(directory, "ca.pem")
        with open(self.ca, "w") as f:
            f.write(self.info["caCertificate"])

    def post(self, path, body=None):
        return self.control.post("/sandbox/v1" + path, body)["data"]

    def get(self, path):
        return self.control.get("/sandbox/v1" + path)["data"]

    def phone(self, number, name):
        return Phone(self, self.post("/phones", {"phone": number, "name": name}))

    def faults(self, **wanted):
        self.post("/faults", wanted)

    def stop(self):
        return self.process.stop()


class Gateway:
    """`wharfd serve` on a data directory; can be killed and started again on the same port."""

    def __init__(self, wharfd, directory, sandbox=None, options=(), secure=False, url=None, log_level="info"):
        self.wharfd, self.directory, self.port = wharfd, directory, free_port()
        self.arguments = [wharfd, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", os.path.join(directory, "data"),
                          "--log-level", log_level]
        for setting in ("limits.session_creations_per_minute=0", "limits.messages_per_minute=0",
                        "limits.requests_per_minute=0", "webhooks.allow_private=true", *options):
            self.arguments += ["--set", setting]
        if sandbox is None:
            self.arguments += ["--sandbox"]
        else:
            url = url or (sandbox.secure_url if secure else sandbox.url)
            self.arguments += ["--network", url, "--network-root", sandbox.root, "--network-ca", sandbox.ca]
        self.address = f"127.0.0.1:{self.port}"
        self.http = Http(self.address)
        self.process = None
        self.start()

    def start(self):
        self.process = Process("gateway", self.arguments, self.directory)
        self.wait_listening()

    def network(self, url):
        """Restarts it (SIGTERM) with another way to the network."""
        self.stop()
        self.arguments[self.arguments.index("--network") + 1] = url
        self.start()

    def wait_listening(self):
        def listening():
            self.process.running()
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return True
            except OSError:
                return False
        wait_for("wharfd to listen", listening, 60)

    def stop(self):
        """SIGTERM: it must drain and end with status 0."""
        status = self.process.stop()
        self.http.close()
        if status != 0:
            raise Failed(f"wharfd ended with status {status}: {self.process.tail()}")

    def kill(self):
        self.process.stop(signal.SIGKILL)
        self.http.close()

    def session(self, name):
        return self.http.get(f"/api/v1/sessions/{name}")["data"]

    def wait_status(self, name, status="ready", seconds=60):
        def reached():
            now = self.session(name)
            if now["status"] == "failed" and status != "failed":
                raise Failed(f"session {name} failed: {now.get('reason')}")
            return now if now["status"] == status else None
        return wait_for(f"{name} to be {status}", reached, seconds)

    def create(self, name, **more):
        return self.http.post("/api/v1/sessions", {"sessionId": name, "waitForQR": True, **more})["data"]

    def qr(self, name):
        return wait_for("a QR code", lambda: self.http.call("GET", f"/api/v1/sessions/{name}/qr")[1].get("data", {}).get("qr"), 60)

    def link(self, name, control, phone):
        """Creates a session and lets a simulated phone scan its code."""
        self.create(name)
        control.post(f"/sandbox/v1/phones/{phone}/scan", {"qr": self.qr(name)})
        return self.wait_status(name)


class WebhookSink:
    """Collects what webhooks deliver; `ids` holds the id of each event once, whatever was repeated, and `requests` the
    request that caused it by its header, None without one."""

    def __init__(self):
        sink = self
        self.events, self.ids, self.requests, self.lock = [], set(), {}, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with sink.lock:
                    sink.events.append(json.loads(body))
                    sink.ids.add(self.headers["X-Wharf-Event-Id"])
                    sink.requests[self.headers["X-Wharf-Event-Id"]] = self.headers["X-Wharf-Request-Id"]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # a daemon connects 64 times at once; what overflows would wait for a second SYN

            def handle_error(self, request, client_address):
                pass  # a killed daemon resets its connections

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def seen(self):
        with self.lock:
            return list(self.events)


class RefusingProxy:
    """Speaks enough of CONNECT and SOCKS5 to refuse every login. Use it in a `with`."""

    def __init__(self):
        self.refused = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                client.settimeout(10)
                try:
                    if client.recv(1, socket.MSG_PEEK) == b"\x05":
                        client.recv(262)
                        client.sendall(b"\x05\x02")  # user name and password, please
                        client.recv(600)
                        client.sendall(b"\x01\x01")
                    else:
                        client.recv(65536)
                        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
                                       b"Content-Length: 0\r\n\r\n")
                    self.refused += 1
                except OSError:
                    pass


class EventStream:
    """A minimal RFC 6455 client for /ws/{sessionId}: text frames from the server, one thread, a queue."""

    def __init__(self, address, path):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline().decode()
        while self.file.readline() not in (b"\r\n", b""):
            pass
        if " 101 " not in status:
            raise Failed(f"WebSocket {path}: {status.strip()}")
        self.socket.settimeout(None)
        self.events = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while True:
                first, second = self.file.read(2)
                length = second & 127
                if length == 126:
                    length = int.from_bytes(self.file.read(2), "big")
                elif length == 127:
                    length = int.from_bytes(self.file.read(8), "big")
                payload = self.file.read(length)
                if first & 15 == 9:  # ping: answered with a masked pong
                    self.socket.sendall(bytes([0x8A, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)
                if first & 15 == 1:
                    self.events.put(json.loads(payload))
                if first & 15 == 8:
                    return
        except (OSError, ValueError):
            return

    def wait(self, what, condition, seconds=30):
        """The first event, seen already or to come, for which `condition` is true."""
        end = time.monotonic() + seconds
        for event in self.seen:
            if condition(event):
                return event
        while True:
            try:
                event = self.events.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise Failed(f"no event for: {what}; seen {[e['event'] for e in self.seen][-20:]}") from None
            self.seen.append(event)
            if condition(event):
                return event

    def close(self):
        self.socket.close()


class Workspace:
    """A temporary directory, removed at the end unless the run failed."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="wharf-")
        return self.path

    def __exit__(self, kind, *_):
        if kind is None:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            print(f"logs are kept in {self.path}")
