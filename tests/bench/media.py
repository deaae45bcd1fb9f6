"""Files: one large, and fifty small at once, up and down, by Wharf and by the other clients in turn; and how long the texts
of another session take meanwhile. All are connected to one simulated network, whose phones are switched off: they would
load the files too. What comes down is one upload that all of them were told of."""

import contextlib
import hashlib
import http.client
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import time

from gateways import caller_of, http_control, link_sessions, new_gateway, phone_number, report_hold
from measure import Caller, cpu_seconds, forget_peak_rss, parallel, peak_rss_kib, percentile, rss_kib
from peers import Peer, variants
from processes import Failed, Sandbox, Workspace, end_all, wait_for

SINK = "15557770001"  # gets what goes up; nobody is at home
PEER = "15557770002"  # gets the texts, and is
PEER_NUMBERS = {"baileys": phone_number(10), "whatsmeow": phone_number(11)}
SENDER, RECEIVER, TEXTS, CONTROL = "u0", "u1", "u2", "u3"
TOGETHER = 50
PIECE = 1 << 20
PATIENCE_S = 300
IDLE_TEXTS = 300


class Files:
    """Random bytes on disk. `name` is that of the figures."""

    def __init__(self, name, directory, count, size):
        self.name, self.paths, self.mb = name, [], count * size / 1e6
        for i in range(count):
            self.paths.append(os.path.join(directory, f"{name}-{i}.bin"))
            with open(self.paths[-1], "wb") as file:
                for begin in range(0, size, PIECE):
                    file.write(os.urandom(min(PIECE, size - begin)))
        self.digests = [digest(path) for path in self.paths]

    def __len__(self):
        return len(self.paths)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def send_file(address, session, to, path):
    """A form, from the disk into the socket by the kernel; the message's id once the server acked it."""
    boundary = "wharf-bench-boundary"
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    head = (f'{part}"chatId"\r\n\r\n{to}\r\n{part}"file"; filename="{os.path.basename(path)}"\r\n\r\n').encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection, open(path, "rb") as file:
        length = len(head) + os.path.getsize(path) + len(tail)
        connection.sendall(f"POST /api/v1/sessions/{session}/send-file?waitFor=server&timeout=120000 HTTP/1.1\r\n"
                           f"Host: {address}\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
                           f"Content-Length: {length}\r\n\r\n".encode() + head)
        connection.sendfile(file)
        connection.sendall(tail)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
        if answer.status != 200:
            raise Failed(f"sending {path}: {answer.status} {body[:400]!r}")
        return json.loads(body)["data"]["id"]


def fetch_file(address, session, message):
    """The SHA-256 of the file of a message, read and hashed as it comes."""
    with contextlib.closing(http.client.HTTPConnection(address, timeout=PATIENCE_S)) as connection:
        connection.request("GET", f"/api/v1/sessions/{session}/messages/{message}/media")
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"the file of {message}: {answer.status} {answer.read(400)!r}")
        got, room = hashlib.sha256(), memoryview(bytearray(PIECE))
        while count := answer.readinto(room):
            got.update(room[:count])
        return got.hexdigest()


class Wharf:
    name = "wharf"
    how = {"up": "multipart/form-data; the file is synced before it goes up",
           "down": "GET …/media: verified and synced, then decrypted and served; the client only hashes it"}

    def __init__(self, gateway):
        self.gateway, self.pid = gateway, gateway.process.child.pid
        self.cache = os.path.join(gateway.directory, "data", "media", "cache")

    def up(self, files):
        parallel(len(files), lambda i: send_file(self.gateway.address, SENDER, SINK, files.paths[i]), len(files))

    def before_down(self):
        """Nothing is here any more: a cache may be emptied at any time."""
        for name in os.listdir(self.cache):
            os.remove(os.path.join(self.cache, name))

    def down(self, messages):
        got = [None] * len(messages)

        def one(i):
            got[i] = fetch_file(self.gateway.address, RECEIVER, messages[i])
        parallel(len(messages), one, len(messages))
        return lambda: got


class Other:
    """One of the peers; what it loaded is looked at when it was measured."""
    hows = {"baileys": {"up": "sendMessage({document: {url: path}})",
                        "down": "downloadMediaMessage as a stream into a file; compares no hash and no MAC"},
            "whatsmeow": {"up": "UploadReader, SendMessage", "down": "DownloadToFile"}}

    def __init__(self, peer, directory):
        self.peer, self.name, self.pid, self.how, self.directory = peer, peer.name, peer.pid, self.hows[peer.name], directory

    def up(self, files):
        self.peer.upload(SINK, files.paths)

    def before_down(self):
        pass

    def down(self, messages):
        self.peer.load(messages, self.directory)
        paths = [os.path.join(self.directory, message) for message in messages]

        def look():
            got = [digest(path) for path in paths]
            for path in paths:
                os.remove(path)
            return got
        return look


class MediaHost:
    """The files of the simulated network. What was uploaded by a run goes after it: all together have a limit, and a disk."""

    def __init__(self, sandbox):
        self.http, self.known = sandbox.control, set()

    def listed(self):
        ids, cursor = set(), None
        while True:
            answer = self.http.get("/sandbox/v1/media?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            ids |= {file["id"] for file in answer["data"]}
            cursor = answer["nextCursor"]
            if not cursor:
                return ids

    def keep(self):
        self.known = self.listed()

    def forget_new(self):
        """How many there were."""
        new = self.listed() - self.known
        for file in new:
            self.http.call("DELETE", f"/sandbox/v1/media/{file}", expect=(200,))
        return len(new)


class Meter:
    """What a process spends on so many MB in so many transfers at once."""

    def __init__(self, pid):
        os.sync()  # what others have written is not waited for by this one
        self.pid, self.before = pid, rss_kib(pid)
        forget_peak_rss(pid)
        self.cpu, self.begin = cpu_seconds(pid), time.monotonic()

    def end(self, mb, transfers):
        took, peak = time.monotonic() - self.begin, peak_rss_kib(self.pid)
        return {"rate": mb / took, "cpu": (cpu_seconds(self.pid) - self.cpu) * 1000 / mb,
                "peak": (peak - self.before) * 1024 / 1e6 / transfers, "resident": peak * 1024 / 1e6}


def measure(client, files, way, messages, host):
    if way == "up":
        meter = Meter(client.pid)
        client.up(files)
        cost = meter.end(files.mb, len(files))
        if (uploaded := host.forget_new()) != len(files):
            raise Failed(f"{client.name}: the media host got {uploaded} files, not {len(files)}")
        return cost
    client.before_down()
    meter = Meter(client.pid)
    look = client.down(messages)
    cost = meter.end(files.mb, len(files))
    if look() != files.digests:
        raise Failed(f"{client.name}: what came down is not what went up")
    return cost


def link_peers(stack, sandbox, directory):
    """whatsmeow with the store of its documented address, and Baileys, each linked and known to the network."""
    for name, command, environment, _ in variants():
        if name not in PEER_NUMBERS:
            continue
        number = PEER_NUMBERS[name]
        sandbox.phone(number, name)
        peer = Peer(name, command, environment, sandbox, directory)
        stack.callback(peer.stop)
        sandbox.post(f"/phones/{number}/scan", {"qr": peer.read("qr")["qr"]})
        peer.read("open")
        peer.send(SINK, 1, 1)
        loaded = os.path.join(directory, name + "-loaded")
        os.mkdir(loaded)
        yield Other(peer, loaded)


def announce(gateway, receivers, kinds):
    """Uploads each file once and tells all receivers of it: kind -> receiver -> message ids."""
    others = {client.name: PEER_NUMBERS[client.name] for client in receivers if client.name in PEER_NUMBERS}
    total = sum(len(files) for files in kinds)
    for client in receivers:
        if client.name in others:
            client.peer.tell(cmd="receive", count=total)
            client.peer.read("receiving")
    ids = {files.name: {name: [None] * len(files) for name in ("wharf", *others)} for files in kinds}
    sender = f"/api/v1/sessions/{SENDER}/messages?waitFor=server&timeout=120000"
    for files in kinds:
        def one(i, files=files):
            of = ids[files.name]
            of["wharf"][i] = send_file(gateway.address, SENDER, phone_number(1), files.paths[i])
            for name, number in others.items():
                answer = caller_of(gateway.address).post(sender, {"type": "document", "chatId": number, "mediaMessageId": of["wharf"][i]})
                of[name][i] = json.loads(answer)["data"]["id"]
        parallel(len(files), one)
    for client in receivers:
        if client.name in others:
            client.peer.read("received")
    for files in kinds:
        for message in ids[files.name]["wharf"]:
            wait_for("the announced files to be received",
                     lambda m=message: gateway.http.call("GET", f"/api/v1/sessions/{RECEIVER}/messages/{m}")[0] == 200)
    return ids


def write_texts(address, session, stop, count, results):
    """In a process of its own: one text after the other, to the server's ack, until told to stop or so many."""
    caller, took = Caller(address), []
    while not stop.is_set() and len(took) != count:
        begin = time.monotonic()
        caller.post(f"/api/v1/sessions/{session}/send-text?waitFor=server",
                    {"chatId": PEER, "content": f"text number {len(took)} beside files"})
        took.append((time.monotonic() - begin) * 1000)
    results.send(took)


class Writing:
    """The milliseconds of each text that a session sends meanwhile."""

    def __init__(self, gateway, session, count=None):
        fork = multiprocessing.get_context("fork")
        self.stop, (self.results, far_end) = fork.Event(), fork.Pipe(duplex=False)
        self.process = fork.Process(target=write_texts, args=(gateway.address, session, self.stop, count, far_end), daemon=True)
        self.process.start()
        far_end.close()

    def all(self):
        took = self.results.recv()
        self.process.join()
        return took

    def end(self):
        self.stop.set()
        return self.all()


def bench_latency(options, report, wharf, control, files, messages, host):
    """Texts of another session while all the small files go up and come down at once. Beside them, in turn, those of a
    second gateway without files in the same network: what the shared cores and the network alone make of a text."""
    def load():
        def one(i):
            if i % 2 == 0:
                send_file(wharf.gateway.address, SENDER, SINK, files.paths[i // 2])
            elif fetch_file(wharf.gateway.address, RECEIVER, messages[i // 2]) != files.digests[i // 2]:
                raise Failed("what came down is not what went up")
        parallel(2 * len(files), one, 2 * len(files))

    note = f"one at a time to the server's ack, {len(files)} files of {files.mb / len(files):g} MB up and {len(files)} down at once"
    writers = {"media_load": (wharf.gateway, TEXTS), "media_load_of_another_process": (control, CONTROL)}
    for name, (gateway, session) in writers.items():
        Writing(gateway, session, 20).all()  # Signal sessions exist
    idle = Writing(wharf.gateway, TEXTS, IDLE_TEXTS).all()
    report.line("text_idle_p50", percentile(idle, 0.5), "ms", texts=len(idle))
    report.line("text_idle_p99", percentile(idle, 0.99), "ms", texts=len(idle))
    runs, since = {name: [] for name in writers}, len(wharf.gateway.process.log())
    for _ in range(options.media_runs):
        for name, (gateway, session) in writers.items():
            wharf.before_down()
            os.sync()
            writing = Writing(gateway, session)
            load()
            runs[name].append(writing.end())
            host.forget_new()
    for name, took in runs.items():
        texts = sum(map(len, took))
        report.line(f"text_{name}_p50", [percentile(run, 0.5) for run in took], "ms", texts=texts, note=note)
        report.line(f"text_{name}_p99", [percentile(run, 0.99) for run in took], "ms",
                    50 if name == "media_load" else None, texts=texts, longest=round(max(map(max, took)), 1), note=note)
    report_hold(report, "media_load", wharf.gateway, since)


def report_files(report, clients, kinds, costs):
    for files in kinds:
        for way in ("up", "down"):
            name = f"media_{files.name}_{way}"
            size = f"{len(files)} x {files.mb / len(files):g} MB"
            for client in clients:
                runs = costs[client.name, files.name, way]
                more = {"files": size, "how": client.how[way]}
                ours = client.name == "wharf"
                report.line(f"{name}_rate_{client.name}", [r["rate"] for r in runs], "MB/s", **more)
                report.line(f"{name}_cpu_{client.name}", [r["cpu"] for r in runs], "CPU ms per MB", **more)
                report.line(f"{name}_peak_{client.name}", [r["peak"] for r in runs], "MB resident above before, per transfer",
                            8 if ours else None, resident=round(max(r["resident"] for r in runs), 1), **more)
            for client in clients[1:]:
                # Run by run: what the machine did to one it did to the other too.
                ratios = [theirs["cpu"] / our["cpu"] for theirs, our in
                          zip(costs[client.name, files.name, way], costs["wharf", files.name, way], strict=True)]
                report.line(f"ratio_{name}_cpu_{client.name}_to_wharf", ratios, "times", least=4 if client.name == "baileys" else None)


def room_for(directory, bytes_wanted):
    free = shutil.disk_usage(directory).free
    if free < bytes_wanted:
        raise Failed(f"{directory} has room for {free >> 20} MiB, the files want {bytes_wanted >> 20}: set TMPDIR")


def bench_media(options, report):
    large = options.media_mb * 1_000_000
    with Workspace() as directory, contextlib.ExitStack() as stack:
        room_for(directory, 12 * large)
        scratch, gateways = os.path.join(directory, "scratch"), [os.path.join(directory, name) for name in ("wharf", "control")]
        for path in (scratch, *gateways):
            os.mkdir(path)
        # Where the network and the peers make their temporary files; all of it goes, whatever happens.
        before = os.environ.get("TMPDIR")
        stack.callback(lambda: os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before))
        os.environ["TMPDIR"] = scratch
        for path in (scratch, *(os.path.join(path, "data", "media") for path in gateways)):
            stack.callback(shutil.rmtree, path, ignore_errors=True)
        stack.callback(end_all)

        sandbox = Sandbox(options.wharfd, directory)
        sink = sandbox.phone(SINK, "Sink")
        sandbox.phone(PEER, "Peer")
        gateway, control = (new_gateway(options, path, sandbox, secure=True) for path in gateways)
        link_sessions(gateway, sandbox, 0, 3)
        link_sessions(control, sandbox, 3, 4)
        clients = [Wharf(gateway), *link_peers(stack, sandbox, scratch)]
        caller_of(gateway.address).post(f"/api/v1/sessions/{SENDER}/send-text?waitFor=server", {"chatId": SINK, "content": "first"})
        for number in (SINK, phone_number(0), phone_number(1), *PEER_NUMBERS.values()):
            http_control(sandbox).post(f"/sandbox/v1/phones/{number}/power", {"on": False})
        kinds = [Files("one", scratch, 1, large), Files("fifty", scratch, TOGETHER, large // 100)]
        messages, host = announce(gateway, clients, kinds), MediaHost(sandbox)
        host.keep()

        costs, since = {}, len(gateway.process.log())
        for _ in range(options.media_runs):
            for files in kinds:
                for way in ("up", "down"):
                    for client in clients:
                        cost = measure(client, files, way, messages[files.name][client.name], host)
                        costs.setdefault((client.name, files.name, way), []).append(cost)
        report_files(report, clients, kinds, costs)
        report_hold(report, "media_files", gateway, since)
        bench_latency(options, report, clients[0], control, kinds[1], messages["fifty"]["wharf"], host)
        for client in clients[1:]:
            client.peer.stop()
        for process in (gateway.process, control.process, sandbox.process):
            process.stop()
