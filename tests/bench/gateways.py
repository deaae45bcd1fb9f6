"""A gateway under measurement: how it is started, its sessions linked and called, and what held its loop."""

import re
import threading

from measure import Caller, parallel
from processes import Gateway, Http, wait_for


def phone_number(index):
    return f"1556{index:07d}"


LOCAL = threading.local()


def http_of(address):
    if getattr(LOCAL, "address", None) != address:
        LOCAL.address, LOCAL.http = address, Http(address)
    return LOCAL.http


def new_gateway(options, directory, sandbox, **how):
    """One that writes down what held its loop."""
    return Gateway(options.wharfd, directory, sandbox, options=("log.held_ms=1",), **how)


def report_hold(report, name, gateway, since=0):
    """The longest time that one thing held up everything else since the gateway was started (or since its log had so many
    characters): by the clock, and what the loop's thread computed of it (on two cores that the bench, the network and the
    gateway share, it also waits)."""
    found = re.findall(r"loop_held where=(.+) ms=([0-9.]+) cpu_ms=([0-9.]+)", gateway.process.log()[since:])
    held = [(float(ms), where) for where, ms, _ in found]
    longest, where = max(held, default=(1.0, "less than a millisecond each"))
    report.line(f"longest_hold_{name}", longest, "ms", where=where, over_5_ms=sum(ms > 5 for ms, _ in held))
    worked, where = max([(float(ms), where) for where, _, ms in found], default=(1.0, "less than a millisecond each"))
    report.line(f"longest_hold_cpu_{name}", worked, "ms of the loop's thread", 10, where=where)


def link_sessions(gateway, sandbox, first, last):
    def one(offset):
        index = first + offset
        http_control(sandbox).post("/sandbox/v1/phones", {"phone": phone_number(index), "name": f"U{index}"})
        link_session(gateway, sandbox, f"u{index}", phone_number(index))
    parallel(last - first, one)


def link_session(gateway, sandbox, name, number):
    """A new session that the phone with this number scans, until it is ready."""
    http = http_of(gateway.address)
    http.post("/api/v1/sessions", {"sessionId": name, "waitForQR": True})
    qr = wait_for("qr", lambda: http.call("GET", f"/api/v1/sessions/{name}/qr")[1].get("data", {}).get("qr"), 120)
    http_control(sandbox).post(f"/sandbox/v1/phones/{number}/scan", {"qr": qr})
    wait_for("ready", lambda: http.get(f"/api/v1/sessions/{name}/status")["data"]["status"] == "ready", 120)


CONTROL = threading.local()


def http_control(sandbox):
    if getattr(CONTROL, "owner", None) is not sandbox:
        CONTROL.owner, CONTROL.http = sandbox, Http(sandbox.control.address)
    return CONTROL.http


def wait_all_ready(gateway, count):
    wait_for(f"{count} sessions ready",
             lambda: sum(s["status"] == "ready" for s in gateway.http.get("/api/v1/sessions")["data"]) == count, 300)


CALLER = threading.local()


def caller_of(address):
    if getattr(CALLER, "address", None) != address:
        CALLER.address, CALLER.caller = address, Caller(address)
    return CALLER.caller
