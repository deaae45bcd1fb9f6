"""A simulated network with large groups. It is made once, which takes minutes for a thousand accounts with three devices
each, and every turn of a client begins with a copy of it: so each finds the same, and nobody's leavings."""

import json
import os
import shutil
import time

from gateways import http_control, link_session
from measure import parallel
from processes import Failed, Gateway, Http, Sandbox, Workspace, wait_for

OWNER = "15580000000"  # in every group; what is measured is linked to it
PATIENCE_S = 900


def member(index):
    return f"1558{index:07d}"


def switch(sandbox, numbers, on):
    parallel(len(numbers), lambda i: http_control(sandbox).post(f"/sandbox/v1/phones/{numbers[i]}/power", {"on": on}))


def rested(sandbox, numbers):
    """Waits until these phones have taken all that waited for them."""
    numbers = set(numbers)

    def taken():
        time.sleep(0.2)  # the answer is long, and the network is what is waited for
        return all(d["unacked"] == 0 for d in sandbox.get("/stats")["devices"] if d["device"] == 0 and d["phone"] in numbers)
    wait_for("phones to take what waited for them", taken, PATIENCE_S)


def make_group(sandbox, size, subject, numbers):
    http = Http(sandbox.control.address, timeout=PATIENCE_S)
    made = http.post(f"/sandbox/v1/phones/{numbers[0]}/groups", {"subject": subject, "participants": numbers[1:size]})["data"]
    if made["notAdded"] or made["size"] != size:
        raise AssertionError(f"a group of {size} has {made['size']}, not added: {made['notAdded'][:3]}")
    return made["id"]


class Crowd:
    """`groups`: size -> id. Each has the first so many of `numbers`, the owner first. `devices` of every account but the
    owner's: the phone, and companions that a gateway linked and that never come again. All phones are off."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.sizes, self.devices = sorted(options.group_sizes), options.group_devices
        self.numbers = [OWNER] + [member(i) for i in range(1, self.sizes[-1])]
        self.facts = {"sizes": self.sizes, "devices": self.devices}
        try:
            with open(os.path.join(directory, "crowd.json")) as file:
                kept = json.load(file)
            self.made = {key: kept[key] for key in self.facts} == self.facts
        except FileNotFoundError:
            self.made = False
        if self.made:
            self.groups = dict(zip(self.sizes, kept["groups"], strict=True))

    def make(self):
        """The seconds of each step."""
        steps, begin = {}, time.monotonic()

        def step(name):
            nonlocal begin
            steps[name], begin = round(time.monotonic() - begin, 1), time.monotonic()
        os.makedirs(self.directory, exist_ok=True)
        if os.listdir(self.directory):  # of other sizes, or a run that was ended; what else may be there is nobody's to remove
            raise Failed(f"{self.directory} holds something else than a network of {self.facts}: empty it, or name another")
        with Workspace() as logs:
            sandbox = Sandbox(self.options.wharfd, logs, options=("--state", os.path.join(self.directory, "network")))
            parallel(len(self.numbers), lambda i: http_control(sandbox).post(
                "/sandbox/v1/phones", {"phone": self.numbers[i], "name": f"Member {i}"}))
            step("phones")
            # Before there are groups: each new device is told to whoever shares one with it.
            if self.devices > 1:
                gateway = Gateway(self.options.wharfd, logs, sandbox)
                for again in range(1, self.devices):
                    parallel(len(self.numbers) - 1, lambda i, k=again: link_session(
                        gateway, sandbox, f"c{i + 1}-{k}", self.numbers[i + 1]))
                gateway.kill()
            step("companions")
            # The companions are told of no groups, which would wait for them for ever: thousands of long lists.
            sandbox.faults(lose_group_notifications=1_000_000)
            self.groups = {size: make_group(sandbox, size, f"Group of {size}", self.numbers) for size in self.sizes}
            rested(sandbox, self.numbers)
            switch(sandbox, self.numbers, False)
            sandbox.stop()
            step("groups")
        with open(os.path.join(self.directory, "crowd.json"), "w") as file:
            json.dump({**self.facts, "groups": list(self.groups.values())}, file)
        self.made = True
        return steps

    def start(self, directory):
        """A network of its own in `directory`, which goes on from there."""
        copy = os.path.join(directory, "crowd")
        shutil.copytree(self.directory, copy)
        return Sandbox(self.options.wharfd, directory, options=("--state", os.path.join(copy, "network")))

    @staticmethod
    def remove_copy(directory):
        """Also of a turn that failed, whose logs stay: it is large."""
        shutil.rmtree(os.path.join(directory, "crowd"), ignore_errors=True)
