"""Wharf and a peer in one network, ready to write to each other, and what is asked of the network afterwards."""

import signal

from clients import Peer, Wharf, patience_s
from processes import Sandbox, wait_for

wharf_number, peer_number, other_number = "491510000001", "491510000002", "491510000003"
session = "gateway"


def every_iq_known(report, name, sandbox):
    """Whatever the clients asked in this scenario has an answer of its own in the network."""
    unknown = [line for line in sandbox.get("/wire?limit=100000") if "unknown iq" in line]
    report.expect(sandbox.get("/stats")["unknownIqs"] == 0 and not unknown,
                  f"{name}: the network knew every IQ it was asked", "; ".join(unknown[:5]))


class Pair:
    """A Wharf session and a peer, linked to two phones that confirm no delivery themselves: what is confirmed was
    confirmed by the clients under test."""

    def __init__(self, kind, wharfd, directory):
        self.sandbox = Sandbox(wharfd, directory)
        self.a, self.b = self.sandbox.phone(wharf_number, "Anna"), self.sandbox.phone(peer_number, "Berta")
        for phone in (self.a, self.b):
            phone.post("/deliver", {"on": False})
        self.wharf = Wharf(wharfd, directory, self.sandbox)
        self.wharf.create(session)
        self.a.scan(self.wharf.qr(session))
        self.wharf.wait_connected(session)
        self.peer = Peer(kind, directory, self.sandbox)
        self.peer.command("connect")
        self.b.scan(self.peer.wait("qr")["qr"])
        self.peer.wait("open")

    def to_peer(self, text):
        """The id, once the peer has it."""
        sent = self.wharf.send(session, peer_number, text)
        self.peer.received(text, wharf_number)
        return sent

    def to_wharf(self, text):
        sent = self.peer.send(wharf_number, text)
        self.wharf.received(session, text)
        return sent

    def peer_sends(self, text):
        """Returns when the network has it. The peer's send may return before: some clients do not wait for the ack."""
        before = self.sandbox.get("/stats")["messagesAccepted"]
        self.peer.send(wharf_number, text)
        wait_for(f"the network to accept {text!r}", lambda: self.sandbox.get("/stats")["messagesAccepted"] > before, patience_s)

    def retries(self):
        return self.sandbox.get("/stats")["retriesRelayed"]

    def restart_peer(self, while_down):
        self.peer.process.child.stdin.close()  # the driver ends on the end of its input
        self.peer.process.child.wait(patience_s)
        while_down()
        self.peer.start()
        assert self.peer.wait("started")["registered"], "the peer lost its registration"
        self.peer.command("connect")
        self.peer.wait("open")

    def restart_wharf(self, how, while_down):
        self.wharf.kill() if how == signal.SIGKILL else self.wharf.stop()
        while_down()
        self.wharf.start()
        self.wharf.wait_connected(session)

    def stop(self):
        self.peer.stop()
        self.wharf.stop()
        self.sandbox.stop()
