"""A group of sixty: what either side says in it, while members come, go and change devices, and keys are lost."""

import base64
import os
import signal
from pathlib import Path

from clients import Peer, patience_s
from groups import GroupPair, modes, refused
from media import facts, fetch, load
from pair import every_iq_known, peer_number, session, wharf_number
from processes import Failed, wait_for
from report import note

base = f"/sessions/{session}"
checks_of = {"lid": 26, "pn": 25}
member_numbers = [f"4915200000{n:02}" for n in range(58)]


class Crowd(GroupPair):
    """A group of sixty, made by Wharf; the peer is an admin too. The other members are phones that confirm delivery."""

    def __init__(self, kind, wharfd, directory, mode):
        super().__init__(kind, wharfd, directory, mode)
        if not kind.reaches_number_only:
            self.always = []
        numbers = member_numbers[len(self.always):]  # whoever has no LID is one of the sixty
        self.phones = [self.sandbox.phone(number, f"Member {number[-2:]}") for number in numbers]
        self.group = self.make("Sixty", peer_number, *(phone.number for phone in self.phones))
        self.ask("POST", f"/groups/{self.group}/promote", {"participants": [peer_number]})
        self.peer_told(0, self.group, "promote", value=self.peer_name)

    def says(self, text, **more):
        return self.wharf.post(f"{base}/send-text", {"chatId": self.group, "content": text, **more})["id"]

    def peer_says(self, text, **more):
        return self.peer.command("send", to=self.group, text=text, **more)["id"]

    def about(self, kind, target, **more):
        return self.peer.command("say", to=self.group, kind=kind, target=target, **more)["id"]

    def have(self, text, phones=None):
        """Every one of the phones has it, once."""
        for phone in self.phones if phones is None else phones:
            def newest():
                shown = self.sandbox.get(f"/phones/{phone.number}/messages?limit=20")  # noqa: B023
                return [m for m in shown if m["text"] == text and m["status"] != "failed"]
            found = wait_for(f"{text!r} at {phone.number}", newest)
            assert len(found) == 1, found

    def to_peer(self, text, **more):
        sent = self.says(text, **more)
        shown = self.peer.received(text, wharf_number)
        assert shown["chat"] == self.group, shown
        assert (shown["lid"] == self.a.lid_user) if self.mode == "lid" else (shown["pn"] == wharf_number), shown
        return sent

    def to_wharf(self, text, **more):
        sent = self.peer_says(text, **more)
        self.heard(text)
        return sent

    def heard(self, text):
        shown = self.wharf.received(session, text)
        assert (shown["chatId"], shown["author"].split("@")[0], shown["fromMe"]) == (self.group, peer_number, False), shown
        return shown

    def stored(self, message):
        return self.wharf.get(f"{base}/messages/{message}")

    def counts(self, message, **wanted):
        """Once Wharf has counted so."""
        def counted():
            shown = self.stored(message)["recipientCounts"]
            return all(shown[key] == value for key, value in wanted.items())
        try:
            wait_for("counts", counted, patience_s)
        except Failed:
            raise AssertionError(f"{self.stored(message)['recipientCounts']} is not {wanted}") from None

    def confirmed(self, message, level, who):
        """The peer was told by each of these that they have the message, or have read it."""
        def left():
            return set(who) - {acked["pn"] for acked in self.peer.saw("ack", id=message, level=level)} \
                - {acked["lid"] for acked in self.peer.saw("ack", id=message, level=level)}
        try:
            wait_for("receipts", lambda: not left(), patience_s)
        except Failed:
            raise AssertionError(f"nothing from {left()}") from None

    def others(self):
        return len(self.phones) + len(self.always) + 1  # and the peer, or Wharf

    def companion(self, phone, name):
        """Another process of the peer as a companion of that phone."""
        again = Peer(self.peer.kind, self.peer.directory, self.sandbox, name)
        again.command("connect")
        phone.scan(again.wait("qr")["qr"])
        again.wait("open")
        return again

    def second_session(self, phone):
        self.wharf.create("second")
        phone.scan(self.wharf.qr("second"))
        self.wharf.wait_connected("second")


def conversation(mode):
    def scenario(report, kind, wharfd, directory):
        crowd = Crowd(kind, wharfd, directory, mode)
        texts(report, crowd)
        add_ons(report, crowd)
        files(report, crowd, Path(directory))
        changes(report, crowd)
        losses(report, crowd)
        afterwards(report, crowd)
        crowd.stop()
    scenario.__name__ = f"group_conversation_{mode}"
    return scenario


def texts(report, crowd):
    peer, name = crowd.peer, crowd.name
    with report.check(f"{name}: sixty read a first message of Wharf, which hears of each"):
        first = crowd.to_peer("first from Wharf")
        crowd.have("first from Wharf")
        crowd.counts(first, members=59, delivered=59)
        crowd.wharf.acked(session, first, 2)
    with report.check(f"{name}: sixty read its first message, and it hears of each"):
        sent = crowd.to_wharf("first from the peer")
        crowd.have("first from the peer")
        if peer.kind.reads_joint_receipts:
            crowd.confirmed(sent, 2, [crowd.called(phone) for phone in crowd.phones] + [crowd.own_name])
        else:
            note(f"{name} does not read receipts of several members in one: who has its message is not asked")
    with report.check(f"{name}: messages in turn arrive"):
        for n in range(10):
            crowd.to_peer(f"ping {n}")
            crowd.to_wharf(f"pong {n}")
        crowd.have("ping 9")
        crowd.have("pong 9")
    with report.check(f"{name}: its read receipt, and those of phones, are counted by Wharf"):
        for phone in crowd.phones[:3]:
            phone.post("/read", {"chat": crowd.group})
        peer.command("read", chat=crowd.group, message=first, author=crowd.jid(crowd.a))
        crowd.counts(first, members=59, delivered=59, read=4)
        rows = {row["id"].split("@")[0]: row["status"] for row in crowd.stored(first)["recipients"]}
        wanted = {phone.number: "read" if phone in crowd.phones[:3] else "delivered" for phone in crowd.phones}
        wanted |= {peer_number: "read"} | {number: "delivered" for number in crowd.always}
        assert rows == wanted, (rows, wanted)
    with report.check(f"{name}: is told that Wharf has read its message, and that phones have"):
        crowd.ask("POST", f"/chats/{crowd.group}/read")
        phones = [crowd.called(phone) for phone in crowd.phones[:3]] if peer.kind.reads_joint_receipts else []
        crowd.confirmed(sent, 3, [*phones, crowd.own_name])


def add_ons(report, crowd):
    peer, name = crowd.peer, crowd.name
    carl = crowd.phones[0]

    def event(what, target, **wanted):
        return crowd.wharf.event(lambda e: e["event"] == what and target in e["data"]["messageId"]
                                 and all(e["data"].get(key) == value for key, value in wanted.items()), f"{what} of {target}")["data"]

    with report.check(f"{name}: reads what Wharf quotes and whom it names, and Wharf what it does"):
        theirs = crowd.to_wharf("what do you think?")
        crowd.to_peer("I agree, @Carl", quotedMessageId=theirs, mentions=[carl.number])
        shown = peer.received("I agree, @Carl")
        assert (shown["quoted"], shown["mentions"]) == (theirs, [crowd.jid(carl)]), shown
        ours = crowd.to_peer("and you?")
        crowd.to_wharf("me too, @Carl", quoted=ours, mentions=crowd.jid(carl))
        shown = crowd.wharf.received(session, "me too, @Carl")
        named = shown["mentionLids" if crowd.mode == "lid" else "mentions"]
        assert ours in shown["quotedMessageId"] and [one.split("@")[0] for one in named] == [crowd.called(carl)], shown
    with report.check(f"{name}: shows Wharf's reaction, edit and revoke"):
        crowd.ask("POST", f"/messages/{theirs}/react", {"emoji": "\U0001F44D"})
        assert peer.wait("said", kind="reaction", target=theirs, since=0)["text"] == "\U0001F44D"
        text = crowd.to_peer("frist draft")
        crowd.ask("PATCH", f"/messages/{text}", {"content": "first draft"})
        assert peer.wait("said", kind="edit", target=text, since=0)["text"] == "first draft"
        crowd.ask("DELETE", f"/messages/{text}?forEveryone=true")
        peer.wait("said", kind="revoke", target=text, since=0)
    with report.check(f"{name}: its reaction, edit and revoke are Wharf's events and in its messages"):
        crowd.about("reaction", ours, own="no", author=crowd.jid(crowd.a), text="\u2764\uFE0F")
        event("reaction", ours, reaction="\u2764\uFE0F")
        assert [(r["emoji"], r["from"].split("@")[0]) for r in crowd.stored(ours)["reactions"]] == [("\u2764\uFE0F", peer_number)], crowd.stored(ours)
        text = crowd.to_wharf("wrogn")
        crowd.about("edit", text, own="yes", text="wrong")
        event("message.edited", text, body="wrong")
        crowd.about("revoke", text, own="yes")
        event("message.revoked", text)
        assert crowd.stored(text)["body"] == "", crowd.stored(text)
    with report.check(f"{name}: an admin deletes what the other said, for everyone"):
        theirs = crowd.to_wharf("not nice")
        crowd.ask("DELETE", f"/messages/{theirs}?forEveryone=true")
        peer.wait("said", kind="revoke", target=theirs, since=0)
        ours = crowd.to_peer("not nice either")
        crowd.about("revoke", ours, own="no", author=crowd.jid(crowd.a))
        event("message.revoked", ours)
        assert crowd.stored(ours)["body"] == "", crowd.stored(ours)
        wait_for("both deleted at a phone", lambda: all(m.get("revoked") for m in carl.messages() if m["id"] in (theirs, ours)))


def files(report, crowd, directory):
    document = directory / "document.pdf"
    document.write_bytes(b"%PDF-1.4\n" + os.urandom(70_001))
    with report.check(f"{crowd.name}: loads a file that Wharf sends to all"):
        sent = crowd.ask("POST", "/send-file", {"chatId": crowd.group, "data": base64.b64encode(document.read_bytes()).decode(),
                                               "filename": "document.pdf"})["id"]
        load(crowd.peer, sent, "the document", {"kind": "document", "mimetype": "application/pdf", **facts(document)})
    with report.check(f"{crowd.name}: sends a file to all, which Wharf loads"):
        sent = crowd.peer.command("send_file", to=crowd.group, kind="document", file=str(document), fromDisk="no",
                                  mimetype="application/pdf", filename="document.pdf")["id"]
        crowd.wharf.event(lambda e: e["event"] == "message" and sent in e["data"]["id"], "the peer's file")
        fetch(crowd.wharf, sent, directory / "got.pdf")
        assert facts(directory / "got.pdf") == facts(document)


def changes(report, crowd):
    peer, name = crowd.peer, crowd.name
    zoe = crowd.sandbox.phone("491530000001", "Zoe")
    with report.check(f"{name}: who joins reads what is said from then on, of both, and nothing before"):
        before = [m for m in zoe.messages() if m["chat"] == crowd.group]
        _, there = crowd.now()
        assert crowd.outcomes("POST", f"/groups/{crowd.group}/participants", zoe.number) == ["added"]
        crowd.peer_told(there, crowd.group, "add", value=crowd.called(zoe))
        crowd.phones.append(zoe)
        ours, theirs = crowd.to_peer("welcome"), crowd.to_wharf("welcome from me")
        crowd.have("welcome", [zoe, crowd.phones[0]])
        crowd.have("welcome from me", [zoe, crowd.phones[0]])
        crowd.counts(ours, members=60, delivered=60)
        if peer.kind.reads_joint_receipts:
            crowd.confirmed(theirs, 2, [crowd.called(zoe)])
        assert before == []
        assert not [m for m in zoe.messages() if m["status"] == "failed"], zoe.messages()
    for remover in ("Wharf", "the peer"):
        with report.check(f"{name}: whom {remover} removes reads nothing that is said afterwards"):
            gone = crowd.phones.pop(1)
            here, there = crowd.now()
            if remover == "Wharf":
                assert crowd.outcomes("DELETE", f"/groups/{crowd.group}/participants", gone.number) == ["removed"]
                crowd.peer_told(there, crowd.group, "remove", value=crowd.called(gone))
            else:
                assert peer.command("group_members", group=crowd.group, action="remove", people=crowd.jid(gone))["codes"] == [200]
                crowd.told(here, "group_leave", crowd.group, type="removed", who=[gone.number])
            ours, theirs = crowd.to_peer(f"after {gone.number}"), crowd.to_wharf(f"after {gone.number} too")
            crowd.have(f"after {gone.number}")
            crowd.have(f"after {gone.number} too")
            crowd.counts(ours, members=crowd.others(), delivered=crowd.others())
            assert not [m for m in gone.messages() if m["id"] in (ours, theirs)], gone.messages()
    with report.check(f"{name}: as a device that a member links anew, reads what Wharf says from then on"):
        companion = crowd.companion(crowd.phones[0], "companion")
        crowd.to_peer("to a new device")
        companion.received("to a new device", wharf_number)
        companion.send(crowd.group, "from a new device")
        crowd.wharf.received(session, "from a new device")
        peer.received("from a new device")
    with report.check(f"{name}: is read by a session of Wharf that another member links"):
        crowd.second_session(crowd.phones[2])
        crowd.to_wharf("to a new session")
        crowd.wharf.received("second", "to a new session")
        crowd.wharf.send("second", crowd.group, "from a new session")
        peer.received("from a new session", crowd.phones[2].number)
        crowd.wharf.received(session, "from a new session")
    with report.check(f"{name}: a member that was installed anew, and one that unlinks, disturb nobody"):
        companion.stop()
        crowd.phones[0].post("/unlink", {"device": 1})
        crowd.phones[3].post("/reinstall", {})
        ours, theirs = crowd.to_peer("after the changes"), crowd.to_wharf("after the changes too")
        crowd.have("after the changes", [phone for phone in crowd.phones if phone is not crowd.phones[3]])
        crowd.have("after the changes too", [phone for phone in crowd.phones if phone is not crowd.phones[3]])
        crowd.counts(ours, members=crowd.others(), delivered=crowd.others())


def losses(report, crowd):
    peer, name, sandbox = crowd.peer, crowd.name, crowd.sandbox
    with report.check(f"{name}: with Wharf's sender key wiped, it reads the message after a retry"):
        before = crowd.retries()
        wiped = peer.command("wipe_group", group=crowd.group, pn=wharf_number, lid=crowd.a.lid_user)["wiped"]
        assert len(wiped) == 1, wiped
        crowd.to_peer("into a wiped key")
        assert crowd.retries() > before, "no retry receipt was relayed: the key was not wiped"
        crowd.to_peer("with a new key")
        crowd.to_wharf("and back with a new key")
    with report.check(f"{name}: its message that came without its key is read by Wharf after a retry"):
        before = crowd.retries()
        small = crowd.peer_makes("Three", wharf_number, crowd.phones[0].number)  # every member asks again
        crowd.told(0, "group_join", small, own=True)
        sandbox.faults(lose_sender_keys=1)
        crowd.peer.send(small, "without its key")
        crowd.wharf.received(session, "without its key")
        assert crowd.retries() > before, "no retry receipt was relayed: no key was lost"
        sandbox.faults(lose_sender_keys=0)
        crowd.peer.send(small, "with the key")
        crowd.wharf.received(session, "with the key")
        crowd.have("with the key", crowd.phones[:1])
    if crowd.mode == "lid":
        with report.check(f"{name}: a group that changes its way of naming members is written to by both"):
            sandbox.faults(switch_group_addressing=1)
            crowd.says("first by other names")
            peer.received("first by other names", wharf_number)
            if not peer.kind.follows_addressing:
                refused(lambda: crowd.peer_says("by the old names"), "421")
                assert peer.command("group_show", group=crowd.group)["mode"] == "pn"
            crowd.peer_says("first of mine by other names")
            crowd.heard("first of mine by other names")
    with report.check(f"{name}: Wharf restarted after SIGKILL loses nothing that it accepted"):
        accepted = [f"accepted before SIGKILL {n}" for n in range(5)]
        for text in accepted:
            crowd.says(text)
        crowd.restart_wharf(signal.SIGKILL, lambda: crowd.peer_says("while Wharf was dead"))
        crowd.heard("while Wharf was dead")
        for text in accepted:
            peer.received(text)
            crowd.have(text)
        crowd.says("after SIGKILL")
        peer.received("after SIGKILL")
        crowd.to_wharf("and back after SIGKILL")
    with report.check(f"{name}: restarted, it gets what Wharf said meanwhile and goes on"):
        crowd.restart_peer(lambda: crowd.wharf.acked(session, crowd.says("while the peer was stopped"), 1))
        peer.received("while the peer was stopped")
        crowd.to_wharf("after the peer's restart")
        crowd.says("and back after the peer's restart")
        peer.received("and back after the peer's restart")


def afterwards(report, crowd):
    name = crowd.name
    seen = [e["text"] for e in crowd.peer.saw("message", fromMe=False)]
    report.expect(len(seen) == len(set(seen)), f"{name}: no message is shown twice", str([t for t in set(seen) if seen.count(t) > 1]))
    crowd.now()
    seen = [e["data"]["body"] for e in crowd.wharf.events if e["event"] == "message" and e["sessionId"] == session]
    report.expect(len(seen) == len(set(seen)), f"{name}: no message is shown twice by Wharf",
                  str([t for t in set(seen) if seen.count(t) > 1]))
    reused = {f"{d['phone']}:{d['device']}": d["reusedMessageKeys"] for d in crowd.sandbox.get("/stats")["devices"]
              if d["reusedMessageKeys"] and f"{d['phone']}:{d['device']}" != f"{peer_number}:1"}
    report.expect(not reused, f"{name}: no message key was used twice by Wharf or a phone", str(reused))
    every_iq_known(report, name, crowd.sandbox)


conversation_scenarios = {conversation(mode): checks_of[mode] for mode in modes}
