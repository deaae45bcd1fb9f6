"""What the benchmarks measure with, and how a figure is reported."""

import json
import os
import platform
import socket
import statistics
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODES = {"one": 1, "eight": 8}  # callers, each waiting for the server's ack of its text before it sends the next
MACHINE = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"


def cpu_seconds(pid):
    """Of all its threads, also those that have ended, utime + stime: what /proc/PID/stat shows, without its rounding to
    hundredths."""
    return time.clock_gettime(~pid << 3 | 2)  # the process' clock, as clock_getcpuclockid(3) names it


def rss_kib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def forget_peak_rss(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def peak_rss_kib(pid):
    """The most that was resident since forget_peak_rss()."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def written_bytes(pid):
    """What the process has made the disk write (write_bytes; 0 on a file system in memory)."""
    for line in open(f"/proc/{pid}/io"):
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise AssertionError("no write_bytes")


def settle(pid):
    """Waits until the process has used no CPU for two seconds: then it is idle."""
    before = cpu_seconds(pid)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(2)
        now = cpu_seconds(pid)
        if now - before < 0.03:
            return
        before = now


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Cost:
    """What a process spent on `count` messages between two moments."""

    def __init__(self, pid):
        self.pid, self.cpu, self.bytes, self.begin = pid, cpu_seconds(pid), written_bytes(pid), time.monotonic()

    def end(self, count):
        took = time.monotonic() - self.begin
        return {"cpu": (cpu_seconds(self.pid) - self.cpu) * 1000 / count, "rate": count / took,
                "disk": (written_bytes(self.pid) - self.bytes) / 1024 / count}


def parallel(count, work, callers=8):
    """Runs work(i) for i < count on so many threads; the first failure is raised."""
    failures, numbers, lock = [], iter(range(count)), threading.Lock()

    def loop():
        while not failures:
            with lock:
                i = next(numbers, None)
            if i is None:
                return
            try:
                work(i)
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)
    threads = [threading.Thread(target=loop) for _ in range(callers)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    if failures:
        raise failures[0]


class Caller:
    """A keep-alive connection without an HTTP library in the way: what it adds to a latency is some ten microseconds."""

    def __init__(self, address):
        host, port = address.split(":")
        self.host, self.socket = address, socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path, body):
        return self.call("POST", path, json.dumps(body).encode())

    def call(self, method, path, data=None):
        about = "" if data is None else f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{about}\r\n".encode() + (data or b""))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.take()
        header, _, rest = answer.partition(b"\r\n\r\n")
        length = int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += self.take()
        if not header.startswith(b"HTTP/1.1 20"):
            raise AssertionError(f"{method} {path}: {header[:40]!r} {rest[:300]!r}")
        return rest

    def take(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise AssertionError("the gateway closed the connection")
        return piece


class Report:
    """One JSON line a figure, with machine, build and the median of its runs."""

    def __init__(self, options):
        self.build = subprocess.run([options.wharfd, "version"], capture_output=True, text=True).stdout.strip()
        commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        self.build += f" {commit} {options.build}"
        self.values = {}

    def line(self, name, values, unit, target=None, least=None, **more):
        """`target`: at most, `least`: at least."""
        values = values if isinstance(values, list) else [values]
        median = statistics.median(values)
        self.values[name] = median
        record = {"bench": name, "median": round(median, 4), "unit": unit, "runs": len(values),
                  "min": round(min(values), 4), "max": round(max(values), 4)}
        if target is not None:
            record.update(target=target, met=median <= target)
        if least is not None:
            record.update(least=least, met=median >= least)
        record.update(more, machine=MACHINE, build=self.build)
        print(json.dumps(record), flush=True)

    def costs(self, name, runs, target=None, **more):
        """The figures of Cost.end() of some runs."""
        self.line(f"{name}_cpu", [r["cpu"] for r in runs], "CPU s per 1000 texts", target, **more)
        self.line(f"{name}_rate", [r["rate"] for r in runs], "texts/s", **more)
        self.line(f"{name}_disk", [r["disk"] for r in runs], "KiB written per text", **more)
