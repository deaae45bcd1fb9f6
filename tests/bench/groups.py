"""Groups: texts to them, warm and cold, and from them, by Wharf and by the other clients in turn. Each turn is a new device
of one account, in its own copy of the same network (crowd.py), over TLS. In a turn:

  cold      the first text to the largest group: of none of its devices anything is known but the group itself
  answered  texts to each group whose members' phones are on: they read them, and their receipts come back
  quiet     texts to each group while nobody is there, so that the network has next to nothing to do
  receive   texts of eight members to the smallest group

and, of Wharf alone, what it takes in memory for each group of 256 that a session has written to.
"""

import contextlib
import statistics
import sys
import tempfile
import time

from crowd import OWNER, Crowd, make_group, member, rested, switch
from gateways import caller_of, http_control, link_session, new_gateway, report_hold, wait_all_ready
from measure import MODES, Cost, cpu_seconds, parallel, percentile, rss_kib, settle
from peers import Peer, variants
from processes import Failed, Sandbox, Workspace, end_all, wait_for
from wire import Wire

COPIES_A_RUN = 100_000  # of texts, one for each device of each member: what the network keeps for who is not there
ANSWERS_A_RUN = 10_000  # of members' phones: the network decrypts so many
LEAST_OF_A_COPY = 150   # bytes: a sender key in a first pairwise message has twice that
MOST_OF_PEERS = 500     # texts of a run
WRITERS = 8
PATIENCE_S = 900
CACHED_GROUPS, CACHED_SIZE = 8, 256  # a session keeps no more than eight

SESSION = "u0"


class Wharf:
    name, store = "wharf", "SQLite, WAL, synchronous FULL: message, sender key and event are on disk before the text leaves"

    def __init__(self, options, directory, sandbox):
        self.gateway = new_gateway(options, directory, sandbox, secure=True)
        self.pid, self.most = self.gateway.process.child.pid, options.texts
        self.gateway.create(SESSION)

    def qr(self):
        return self.gateway.qr(SESSION)

    def opened(self):
        self.gateway.wait_status(SESSION)

    def send(self, group, count, callers):
        took, path = [0.0] * count, f"/api/v1/sessions/{SESSION}/send-text?waitFor=server&timeout=120000"

        def one(i):
            begin = time.monotonic()
            caller_of(self.gateway.address).post(path, {"chatId": group, "content": f"benchmark text number {i}"})
            took[i] = (time.monotonic() - begin) * 1000
        parallel(count, one, callers)
        return took

    def unread(self):
        return sum(c["unreadCount"] for c in self.gateway.http.get(f"/api/v1/sessions/{SESSION}/chats")["data"])

    def expect(self, count):
        self.wanted = self.unread() + count

    def received(self):
        wait_for("all received", lambda: self.unread() >= self.wanted, PATIENCE_S)

    def stop(self):
        self.gateway.process.stop()


class Other:
    """A peer as `kind`, a row of variants(), says."""

    def __init__(self, kind, options, directory, sandbox):
        self.name, command, environment, self.store = kind
        self.peer = Peer(self.name, command, environment, sandbox, directory)
        self.pid, self.most, self.send = self.peer.pid, min(options.texts, MOST_OF_PEERS), self.peer.send

    def qr(self):
        return self.peer.read("qr")["qr"]

    def opened(self):
        self.peer.read("open")

    def expect(self, count):
        self.peer.tell(cmd="receive", count=count)
        self.peer.read("receiving")

    def received(self):
        self.peer.read("received")

    def stop(self):
        self.peer.stop()


def kinds(options):
    """name -> what makes such a client in a network. Baileys twice: as it is, it asks who is in a group before each text;
    its documentation recommends a cache of the application's own."""
    made = {"wharf": Wharf}
    if not options.group_peers:
        return made
    for name, command, environment, store in variants():
        rows = [(name, command, environment, store)]
        if name == "baileys":
            rows.append(("baileys_cached", command, {**environment, "WHARF_GROUP_CACHE": "1"},
                         store + "; with the recommended cache of who is in a group"))
        for row in rows:
            if row[0] in options.group_peers:
                made[row[0]] = lambda *where, row=row: Other(row, *where)
    if missing := set(options.group_peers) - set(made):
        raise Failed(f"--group-peers: there is no {', '.join(missing)}; there are baileys, baileys_cached, whatsmeow, whatsmeow_wal")
    return made


def progress(text):
    """The figures come at the end."""
    print(f"{time.strftime('%H:%M:%S')} groups: {text}", file=sys.stderr, flush=True)


def stats_of(sandbox, device):
    stats = sandbox.get("/stats")
    return stats, next(d for d in stats["devices"] if f"{d['phone']}:{d['device']}" == device)


class Turn:
    """One client in its network, from its linking on. `figures`: (client, name of the figure) -> its values."""

    def __init__(self, crowd, sandbox, client, figures):
        self.crowd, self.sandbox, self.client, self.figures = crowd, sandbox, client, figures
        self.on = set()
        progress(f"{client.name} begins")
        switch(sandbox, [OWNER], True)
        answer = http_control(sandbox).post(f"/sandbox/v1/phones/{OWNER}/scan", {"qr": client.qr()})
        self.device = answer["data"]["device"].split("@")[0]
        client.opened()
        settle(client.pid)
        switch(sandbox, [OWNER], False)

    def note(self, figure, *values):
        self.figures.setdefault((self.client.name, figure), []).extend(values)

    def people(self, numbers):
        """These phones are on, and have taken what waited for them; the others are off."""
        wanted = set(numbers)
        switch(self.sandbox, sorted(self.on - wanted), False)
        switch(self.sandbox, sorted(wanted - self.on), True)
        self.on = wanted
        if wanted:
            rested(self.sandbox, wanted)
        settle(self.client.pid)

    def cold(self):
        size = self.crowd.sizes[-1]
        progress(f"{self.client.name}, {size} members, cold")
        wire, cpu = Wire(self.sandbox), cpu_seconds(self.client.pid)
        took = self.client.send(self.crowd.groups[size], 1, 1)
        settle(self.client.pid)  # what is done behind the ack is part of it
        stanzas = wire.stanzas(self.device)
        self.note("cold_time", took[0] / 1000)
        self.note("cold_cpu", cpu_seconds(self.client.pid) - cpu)
        sent, others = wire.sent_bytes(), (size - 1) * self.crowd.devices
        if sent < LEAST_OF_A_COPY * others:  # some clients pass over whom they get no keys of
            raise Failed(f"{self.client.name} sent {sent} bytes: not all of {others} devices have its key")
        self.note("cold_bytes", sent / 1024)
        self.note("cold_queries", stanzas["iq"])
        self.note("cold_stanzas", sum(n for kind, n in stanzas.items() if " " not in kind))

    def texts_for(self, size, answered=False):
        copies = ANSWERS_A_RUN // size if answered else COPIES_A_RUN // (size * self.crowd.devices)
        return max(5, min(self.client.most, copies))

    def warm(self, size, mode, answered=False):
        group, texts = self.crowd.groups[size], self.texts_for(size, answered)
        figure = f"{size}_{'answered' if answered else mode}"
        progress(f"{self.client.name}, {size} members, {texts} texts, {'answered' if answered else mode}")
        before, _ = stats_of(self.sandbox, self.device)
        wire, network, cost = Wire(self.sandbox), Cost(self.sandbox.process.child.pid), Cost(self.client.pid)
        took = self.client.send(group, texts, MODES[mode])
        rate = texts / (time.monotonic() - cost.begin)
        self.note(figure + "_network", network.end(texts)["cpu"])
        if answered:
            self.told(before["receiptsRelayed"] + texts * (size - 1))
        result = cost.end(texts)
        after, _ = stats_of(self.sandbox, self.device)
        if (accepted := after["messagesAccepted"] - before["messagesAccepted"]) != texts:
            raise Failed(f"{self.client.name}: the network took {accepted} texts, not {texts}")
        self.note(figure + "_retries", after["retriesRelayed"] - before["retriesRelayed"])
        self.note(figure + "_cpu", result["cpu"])
        self.note(figure + "_rate", rate)
        self.note(figure + "_disk", result["disk"])
        self.note(figure + "_ms", *took)
        self.note(figure + "_bytes", wire.sent_bytes() / texts)
        if not answered:
            # The first of a long run are forgotten (Wire.stanzas): of those that are there.
            stanzas = wire.stanzas(self.device)
            self.note(figure + "_queries", stanzas["iq"] / stanzas["message"])

    def told(self, receipts):
        """Until this many receipts were relayed, and the client has taken all that came of them."""
        def all_told():
            time.sleep(0.2)
            stats, device = stats_of(self.sandbox, self.device)
            return stats["receiptsRelayed"] >= receipts and device["unacked"] == 0
        wait_for("the receipts of all members", all_told, PATIENCE_S)

    def groups_answered(self):
        for size in self.crowd.sizes:
            self.people(self.crowd.numbers[1:size])
            self.client.send(self.crowd.groups[size], 2, 1)  # all have its key
            rested(self.sandbox, self.on)
            settle(self.client.pid)
            self.warm(size, "one", answered=True)

    def groups_quiet(self):
        self.people([])
        for size in self.crowd.sizes:
            for mode in MODES:
                self.client.send(self.crowd.groups[size], 2, 1)
                settle(self.client.pid)
                self.warm(size, mode)

    def receive(self, texts):
        size = self.crowd.sizes[0]
        writers = self.crowd.numbers[1:size][:WRITERS]
        progress(f"{self.client.name} receives {texts} texts")
        self.people(writers)

        def write(i):
            http_control(self.sandbox).post(f"/sandbox/v1/phones/{writers[i % len(writers)]}/messages",
                                            {"to": self.crowd.groups[size], "text": f"text {i} of {texts}"})
        self.client.expect(len(writers))  # with their keys
        parallel(len(writers), write)
        self.client.received()
        rested(self.sandbox, writers)
        settle(self.client.pid)
        self.client.expect(texts)
        cost = Cost(self.client.pid)
        parallel(texts, write)
        self.client.received()
        result = cost.end(texts)
        self.note("receive_cpu", result["cpu"])
        self.note("receive_rate", result["rate"])
        self.note("receive_disk", result["disk"])


def one_turn(options, report, crowd, make, figures, stores):
    with Workspace() as directory, contextlib.ExitStack() as stack:
        stack.callback(crowd.remove_copy, directory)
        stack.callback(end_all)
        sandbox = crowd.start(directory)
        client = make(options, directory, sandbox)
        stack.callback(client.stop)
        stores[client.name] = client.store
        turn = Turn(crowd, sandbox, client, figures)
        turn.cold()
        turn.groups_answered()
        turn.groups_quiet()
        turn.receive(min(options.texts, MOST_OF_PEERS))
        if client.name == "wharf":
            report_hold(report, "groups", client.gateway)


def report_client(report, crowd, name, store, figures):
    def line(figure, named, unit, target=None, **more):
        report.line(f"group_{named}_{name}", figures[name, figure], unit, target if name == "wharf" else None,
                    devices=crowd.devices, **more)

    for size in crowd.sizes:
        for how in ("one", "eight", "answered"):
            key = f"{size}_{how}"
            # 0.3 was set for a group of 50; 50 ms for a text to one of 1,024.
            cpu = {50: 0.3, 1024: 50}.get(size) if how == "one" else None
            texts = len(figures[name, f"{key}_ms"]) // len(figures[name, f"{key}_cpu"])
            line(f"{key}_cpu", f"{key}_cpu", "CPU s per 1000 texts", cpu, store=store, note=f"{texts} texts a run",
                 retries=sum(figures[name, f"{key}_retries"]))
            # To its ack a text waits for what the network does for each of its copies, whoever sent it.
            line(f"{key}_rate", f"{key}_rate", "texts/s",
                 network_cpu=round(statistics.median(figures[name, f"{key}_network"]), 3))
            line(f"{key}_disk", f"{key}_disk", "KiB written per text")
            line(f"{key}_bytes", f"{key}_bytes", "bytes sent per text, with TLS")
            took = figures[name, f"{key}_ms"]
            for share, called in ((0.5, "p50"), (0.99, "p99")):
                report.line(f"group_{key}_{called}_{name}", percentile(took, share), "ms to the server's ack", texts=len(took))
            if how != "answered":
                line(f"{key}_queries", f"{key}_queries", "queries per text", 0)
    size = crowd.sizes[-1]
    more = {"members": size}
    line("cold_time", f"{size}_cold_time", "s to the server's ack", **more)
    line("cold_cpu", f"{size}_cold_cpu", "CPU s", **more)
    line("cold_bytes", f"{size}_cold_bytes", "KiB sent, with TLS", **more)
    line("cold_queries", f"{size}_cold_queries", "queries", **more)
    line("cold_stanzas", f"{size}_cold_stanzas", "stanzas sent, with the queries", **more)
    for figure, unit in (("cpu", "CPU s per 1000 texts"), ("rate", "texts/s"), ("disk", "KiB written per text")):
        line(f"receive_{figure}", f"receive_{figure}", unit, members=crowd.sizes[0], writers=min(WRITERS, crowd.sizes[0] - 1))


def report_ratios(report, crowd, names):
    for name in names:
        for what in [f"{size}_{how}" for size in crowd.sizes for how in ("one", "eight", "answered")] + ["receive"]:
            ours, theirs = (report.values[f"group_{what}_cpu_{n}"] for n in ("wharf", name))
            report.line(f"ratio_group_{what}_cpu_{name}_to_wharf", theirs / ours, "times")
        key = f"group_{crowd.sizes[-1]}_cold_cpu"
        report.line(f"ratio_{key}_{name}_to_wharf", report.values[f"{key}_{name}"] / report.values[f"{key}_wharf"], "times")


def bench_memory(options, report):
    """Many sessions of one gateway write to eight groups each, and after another start as often to one: the difference is
    of the groups, since all else that a process keeps of its texts is there both times. After a restart, when everybody has
    all keys: the first texts leave holes in the heap of what went through it."""
    size = min(CACHED_SIZE, options.group_sizes[-1])
    sessions = min(options.group_sessions, size)
    progress(f"{sessions} sessions of Wharf in {CACHED_GROUPS} groups of {size}")
    with Workspace() as directory, contextlib.ExitStack() as stack:
        stack.callback(end_all)
        sandbox = Sandbox(options.wharfd, directory)
        gateway = new_gateway(options, directory, sandbox, secure=True)
        numbers = [member(i) for i in range(size)]
        parallel(size, lambda i: http_control(sandbox).post("/sandbox/v1/phones", {"phone": numbers[i], "name": f"Member {i}"}))
        parallel(sessions, lambda i: link_session(gateway, sandbox, f"g{i}", numbers[i]))
        groups = [make_group(sandbox, size, f"Group {n}", numbers) for n in range(CACHED_GROUPS)]
        rested(sandbox, numbers)
        switch(sandbox, numbers, False)

        def write(to):
            for group in to:
                parallel(sessions, lambda i: caller_of(gateway.address).post(
                    f"/api/v1/sessions/g{i}/send-text?waitFor=server&timeout=120000", {"chatId": group, "content": "a text"}))  # noqa: B023

        def memory_after(to):
            gateway.stop()
            gateway.start()
            wait_all_ready(gateway, sessions)
            write(to)
            settle(gateway.process.child.pid)
            return rss_kib(gateway.process.child.pid)
        write(groups)
        each, one = [], []
        for _ in range(3):
            each.append(memory_after(groups))
            one.append(memory_after(groups[:1] * CACHED_GROUPS))
        more = sessions * (CACHED_GROUPS - 1)
        report.line(f"memory_per_cached_group_{size}", (statistics.median(each) - statistics.median(one)) / more, "KiB", 16,
                    sessions=sessions, groups=CACHED_GROUPS, rss_kib=each, rss_kib_one_group=one)
        gateway.process.stop()
        sandbox.process.stop()


def bench_groups(options, report):
    bench_memory(options, report)
    with contextlib.ExitStack() as stack:
        crowd = Crowd(options, options.group_state or stack.enter_context(tempfile.TemporaryDirectory(prefix="wharf-crowd-")))
        if not crowd.made:
            begin = time.monotonic()
            steps = crowd.make()
            report.line("group_set_up", time.monotonic() - begin, "s", accounts=len(crowd.numbers), devices=crowd.devices, **steps)
        figures, stores, made, failures = {}, {}, kinds(options), {}
        for _ in range(options.group_runs):
            for name, make in made.items():
                if name in failures:
                    continue
                try:
                    one_turn(options, report, crowd, make, figures, stores)
                except (Failed, AssertionError, OSError) as error:  # the others are measured all the same
                    failures[name] = error
                    progress(f"{name} failed: {error}")
        names = [name for name in made if name not in failures]
        for name in names:
            report_client(report, crowd, name, stores[name], figures)
        if "wharf" in names:
            report_ratios(report, crowd, [name for name in names if name != "wharf"])
        if failures:
            raise Failed("; ".join(f"{name}: {error}" for name, error in failures.items()))
