"""People: what either side shows of itself, asks about others, hides and blocks is seen so by the other."""

import base64
import contextlib
import ssl
import struct
import urllib.request
import zlib

from clients import Peer
from pair import Pair, every_iq_known, other_number, peer_number, session, wharf_number
from processes import wait_for

base = f"/sessions/{session}"
nobody = "491519999999"
checks = 25
peer_chat = f"{peer_number}@c.us"


def png(width, height):
    """A picture of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + b"\x20\x80\xc0" * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def loaded(sandbox, url):
    """What is there, from the media host, whose certificate counts."""
    trusted = ssl.create_default_context(cafile=sandbox.ca)
    with urllib.request.urlopen(url, context=trusted, timeout=60) as answer:
        return answer.read()


@contextlib.contextmanager
def hidden(change, category, value="none", before="all"):
    """`change` sets a privacy setting; afterwards it is as before."""
    change(category, value)
    yield
    change(category, before)


class PeoplePair(Pair):
    """A pair that has a chat, whose phones do not show themselves: who is there is up to the clients under test."""

    def __init__(self, kind, wharfd, directory):
        super().__init__(kind, wharfd, directory)
        self.name, self.directory = kind.name, directory
        for phone in (self.a, self.b):
            phone.post("/presence", {"available": False})
        self.peer.command("app_state")  # its own name, without which a client shows no presence
        self.to_peer("first")
        self.to_wharf("first back")

    def ask(self, method, path, body=None, expect=(200, 201, 202, 204)):
        return self.wharf.http.call(method, f"/api/v1{base}{path}", body, expect=expect)[1].get("data")

    def refused(self, path):
        status, answer = self.wharf.http.call("GET", f"/api/v1{base}{path}")
        return status, answer.get("error", {}).get("code")

    def contact(self):
        return self.ask("GET", f"/contacts/{peer_number}")

    def show(self, available):
        self.ask("PUT", "/presence", {"presence": "available" if available else "unavailable"})

    def set_privacy(self, category, value):
        self.ask("PATCH", "/privacy", {category: value})

    def peer_sets_privacy(self, category, value):
        self.peer.command("set_privacy", name=category, value=value)

    def now(self):
        """Where both logs stand: (Wharf's, the peer's)."""
        return self.wharf.now(), len(self.peer.events)

    def peer_told(self, since, event, **wanted):
        """What the peer is told of Wharf's account: its first such event behind `since`."""
        def fits(e):
            return (e["event"] == event and (e["pn"] == wharf_number or e["lid"] == self.a.lid_user)
                    and all(e.get(key) == value for key, value in wanted.items()))
        return wait_for(f"{event} {wanted} of {self.name}", lambda: next((e for e in self.peer.events[since:] if fits(e)), None))

    def seen(self, since):
        """The presence of others, as the peer is told it."""
        return [e for e in self.peer.events[since:] if e["event"] == "presence"]

    def told(self, since, event, **wanted):
        """What Wharf tells of the peer's account."""
        def fits(e):
            data = e["data"]
            who = (data.get("author") if event == "presence" else data.get("pn") or data.get("id")) or ""
            return (e["event"] == event and e["sessionId"] == session and who.split("@")[0] == peer_number
                    and all(data.get(key) == value for key, value in wanted.items()))
        return self.wharf.event(fits, f"{event} with {wanted}", since=since)["data"]


def people(report, kind, wharfd, directory):
    pair = PeoplePair(kind, wharfd, directory)
    names(report, pair)
    presence(report, pair)
    chat_states(report, pair)
    pictures(report, pair, directory)
    texts_and_timer(report, pair)
    third_person(report, pair)
    blocks(report, pair)
    own_devices(report, pair)
    every_iq_known(report, pair.name, pair.sandbox)
    pair.stop()


def names(report, pair):
    peer, name = pair.peer, pair.name
    with report.check(f"{name}: both show the push name of the other"):
        assert peer.received("first")["name"] == "Anna", peer.received("first")
        assert pair.contact()["pushname"] == "Berta", pair.contact()
    with report.check(f"{name}: takes another push name, which is Wharf's event and contact"):
        here, _ = pair.now()
        peer.command("set_name", name="Bertha")
        peer.command("presence", state="available")  # brings the name
        pair.to_wharf("under another name")
        pair.told(here, "contact.updated", change="pushName", pushname="Bertha")
        assert pair.contact()["pushname"] == "Bertha", pair.contact()
    with report.check(f"{name}: shows the name that Wharf's phone took, and Wharf's presence leaves it"):
        pair.a.post("/name", {"name": "Annika"})
        wait_for("Wharf's new name", lambda: pair.wharf.session(session)["me"]["pushname"] == "Annika")
        pair.show(False)
        pair.show(True)
        pair.to_peer("under Wharf's other name")
        assert peer.received("under Wharf's other name")["name"] == "Annika", peer.received("under Wharf's other name")
        peer.command("presence", state="unavailable")


def presence(report, pair):
    peer, name, lid = pair.peer, pair.name, pair.a.lid
    for who, form in ((wharf_number, "number"), (lid, "LID")):
        with report.check(f"{name}: watches Wharf by {form}: told at once, when it goes, and when it comes"):
            pair.show(True)
            _, there = pair.now()
            peer.command("presence", state="available")
            peer.command("subscribe", to=who)
            pair.peer_told(there, "presence", available=True)
            _, there = pair.now()
            pair.show(False)
            assert pair.peer_told(there, "presence", available=False)["lastSeen"] > 1.6e9, peer.events[there:]
            _, there = pair.now()
            pair.show(True)
            pair.peer_told(there, "presence", available=True)
    with report.check(f"{name}: is told no time that Wharf hides, and nothing while it hides that it is there"):
        _, there = pair.now()
        with hidden(pair.set_privacy, "lastSeen"):
            pair.show(False)
            assert pair.peer_told(there, "presence", available=False)["lastSeen"] == 0, peer.events[there:]
            with hidden(pair.set_privacy, "online", "matchLastSeen"):
                pair.show(True)
            pair.show(False)  # what is told of it is behind what must not be
            wait_for("Wharf's second going", lambda: [e["available"] for e in pair.seen(there)][1:])
        assert [e["available"] for e in pair.seen(there)] == [False, False], pair.seen(there)
        pair.show(True)
    with report.check(f"{name}: comes and goes, which Wharf tells of who is watched"):
        pair.ask("POST", f"/contacts/{peer_number}/presence", {})
        for _ in range(2):
            here, _ = pair.now()
            peer.command("presence", state="unavailable")
            assert pair.told(here, "presence", state="unavailable")["lastSeen"] > 1.6e9
            here, _ = pair.now()
            peer.command("presence", state="available")
            pair.told(here, "presence", state="available")
        known = pair.ask("GET", f"/contacts/{peer_number}/presence")
        assert (known["state"], known["watched"]) == ("available", True), known
    with report.check(f"{name}: hides when it was there, which Wharf shows so"):
        with hidden(pair.peer_sets_privacy, "last"):
            here, _ = pair.now()
            peer.command("presence", state="unavailable")
            told = pair.told(here, "presence", state="unavailable")
            assert told["lastSeenHidden"] is True and not told.get("lastSeen"), told
            peer.command("presence", state="available")
            pair.told(here, "presence", state="available")


def chat_states(report, pair):
    peer, name = pair.peer, pair.name
    states = ("composing", "recording", "paused")
    with report.check(f"{name}: sees Wharf write, record and pause"):
        for state in states:
            _, there = pair.now()
            pair.ask("PUT", f"/chats/{peer_number}/presence", {"state": state})
            pair.peer_told(there, "chatstate", state=state)
    with report.check(f"{name}: writes, records and pauses, which are Wharf's events, by number and by LID"):
        for to in (wharf_number, pair.a.lid):
            for state in states:
                if state != "paused":  # who goes on for long is told to have paused, too
                    here, _ = pair.now()
                peer.command("typing", to=to, state=state)
                told = pair.told(here, "presence", state=state)
                assert told["chatId"] == peer_chat, told
    with report.check(f"{name}: both see the other write in a group"):
        group = pair.ask("POST", "/groups", {"name": "Both", "participants": [peer_number]})["gid"]
        peer.wait("group", since=0, group=group, what="created")
        for state in states:
            _, there = pair.now()
            pair.ask("PUT", f"/chats/{group}/presence", {"state": state})
            pair.peer_told(there, "chatstate", state=state, chat=group)
            if state != "paused":
                here, _ = pair.now()
            peer.command("typing", to=group, state=state)
            told = pair.told(here, "presence", state=state, chatId=group)
            assert told["from"] == group and told["author"] == peer_chat and told["isGroup"], told


def pictures(report, pair, directory):
    peer, name, sandbox = pair.peer, pair.name, pair.sandbox
    picture = directory / "picture.jpg"
    with report.check(f"{name}: is told of Wharf's picture, and loads it by number and by LID"):
        _, there = pair.now()
        made = pair.ask("PUT", "/me/picture", {"data": base64.b64encode(png(800, 400)).decode()})["pictureId"]
        told = pair.peer_told(there, "picture", removed=False)
        assert told.get("id", made) == made, (told, made)
        mine = loaded(sandbox, pair.ask("GET", "/me/picture")["url"])
        for who in (wharf_number, pair.a.lid):
            for preview in ("yes", "no"):
                found = peer.command("picture", of=who, preview=preview)
                assert found["state"] == "present" and found.get("id", made) == made, found
                assert loaded(sandbox, found["url"]) == mine and mine[:3] == b"\xff\xd8\xff", found
        picture.write_bytes(mine)
    with report.check(f"{name}: does not get the picture that Wharf hides"):
        with hidden(pair.set_privacy, "profilePicture"):
            assert peer.command("picture", of=wharf_number)["state"] == "hidden"
        assert peer.command("picture", of=wharf_number)["state"] == "present"
    with report.check(f"{name}: is told that Wharf's picture is gone, and finds none"):
        _, there = pair.now()
        pair.ask("DELETE", "/me/picture")
        pair.peer_told(there, "picture", removed=True)
        assert peer.command("picture", of=wharf_number)["state"] == "none"
    with report.check(f"{name}: sets, hides and takes away its picture, which are Wharf's events and answers"):
        here, _ = pair.now()
        peer.command("set_picture", file=str(picture))
        theirs = sandbox.get(f"/phones/{peer_number}")["pictureId"]
        pair.told(here, "contact.updated", change="picture", pictureId=theirs)
        for preview in ("true", "false"):
            found = pair.ask("GET", f"/contacts/{peer_number}/picture?preview={preview}")
            assert found["pictureId"] == theirs and loaded(sandbox, found["url"])[:3] == b"\xff\xd8\xff", found
        shown = pair.contact()["profilePicThumbObj"]
        assert shown["id"] == theirs and shown["img"].startswith("data:image/jpeg;base64,"), shown
        with hidden(pair.peer_sets_privacy, "profile"):
            assert pair.refused(f"/contacts/{peer_number}/picture")[0] == 403, pair.refused(f"/contacts/{peer_number}/picture")
            assert "profilePicThumbObj" not in pair.contact(), pair.contact()
        here, _ = pair.now()
        peer.command("remove_picture")
        pair.told(here, "contact.updated", change="picture", pictureId="")
        assert pair.refused(f"/contacts/{peer_number}/picture") == (404, "MEDIA_NOT_FOUND")


def texts_and_timer(report, pair):
    peer, name = pair.peer, pair.name

    def about():
        return peer.command("abouts", of=wharf_number)["abouts"][0]
    with report.check(f"{name}: reads what Wharf says about itself, not what it hides, nor what it took away"):
        for text in ("At the harbour \u2693", "Busy"):
            _, there = pair.now()
            pair.ask("PUT", "/me/about", {"about": text})
            assert about() == text, about()
            if pair.peer.kind.told_of_abouts:
                pair.peer_told(there, "about", about=text)
        with hidden(pair.set_privacy, "about"):
            assert about() == "", about()
        assert about() == "Busy", about()
        pair.ask("PUT", "/me/about", {"about": ""})
        assert about() == "", about()
    with report.check(f"{name}: changes and hides what it says about itself, which are Wharf's events and answers"):
        for text in ("Gone fishing \U0001F41F", "Back"):
            here, _ = pair.now()
            peer.command("set_about", text=text)
            pair.told(here, "contact.updated", change="about", about=text)
            assert pair.ask("GET", f"/contacts/{peer_number}/about")["about"] == text
        assert pair.contact()["about"] == "Back", pair.contact()
        with hidden(pair.peer_sets_privacy, "status"):
            assert pair.ask("GET", f"/contacts/{peer_number}/about")["about"] == ""
    with report.check(f"{name}: reads the timer that Wharf's new chats have"):
        for seconds in (86400, 604800, 7776000, 0):
            pair.ask("PUT", "/me/disappearing", {"seconds": seconds})
            assert peer.command("default_timer", of=wharf_number)["seconds"] == seconds


trade = {"name": "Carl's Fish", "description": "Fresh fish", "address": "Quay 1", "email": "carl@fish.example",
         "websites": ["https://fish.example"], "categories": [{"id": "7", "name": "Food"}], "timezone": "Europe/Berlin",
         "hours": [{"day": "mon", "mode": "specific_hours", "opens": 480, "closes": 1020}, {"day": "sat", "mode": "open_24h"}]}


def open_person(phone, jpeg):
    """Somebody who shows everything to everybody, and sells fish. The id of the picture."""
    phone.post("/privacy", {"status": "all"})
    phone.post("/about", {"text": "Call me"})
    phone.post("/business", trade)
    return phone.post("/picture", {"data": base64.b64encode(jpeg).decode()})["id"]


def third_person(report, pair):
    peer, name = pair.peer, pair.name
    carl = pair.sandbox.phone(other_number, "Carl")
    jpeg = (pair.directory / "picture.jpg").read_bytes()
    with report.check(f"{name}: finds the same numbers, and the same of somebody else, as Wharf"):
        made = open_person(carl, jpeg)
        asked = [wharf_number, other_number, nobody]
        rows = pair.ask("POST", "/contacts/check", {"numbers": asked})
        assert [row["status"] for row in rows] == ["registered", "registered", "unregistered"], rows
        found = peer.command("numbers", numbers=",".join("+" + number for number in asked))["found"]
        assert found == sorted(row["id"].split("@")[0] for row in rows if row["exists"]), (found, rows)
        shown = pair.ask("GET", f"/contacts/{other_number}")
        assert (shown["about"], shown["isBusiness"], shown["verifiedName"]) == ("Call me", True, trade["name"]), shown
        assert peer.command("abouts", of=other_number)["abouts"] == [shown["about"]]
        theirs, ours = peer.command("picture", of=other_number), pair.ask("GET", f"/contacts/{other_number}/picture")
        assert theirs.get("id", made) == ours["pictureId"] == made, (theirs, ours)
        assert loaded(pair.sandbox, theirs["url"]) == loaded(pair.sandbox, ours["url"]) == jpeg
        theirs, ours = peer.command("business", of=other_number), pair.ask("GET", f"/contacts/{other_number}/business")
        assert (theirs["address"], theirs["email"], theirs["timezone"]) == (ours["address"], ours["email"], ours["timezone"]), (theirs, ours)
        assert theirs.get("description", trade["description"]) == ours["description"], (theirs, ours)


def blocks(report, pair):
    peer, wharf, name = pair.peer, pair.wharf, pair.name
    with report.check(f"{name}: blocked by Wharf, it sees nothing, and nothing of it arrives"):
        pair.ask("PUT", "/me/about", {"about": "Not for you"})
        pair.ask("POST", f"/contacts/{peer_number}/block", {})
        assert [one["id"] for one in pair.ask("GET", "/blocked")] == [peer_chat]
        here, _ = pair.now()
        assert peer.command("picture", of=wharf_number)["state"] == "hidden"
        assert peer.command("abouts", of=wharf_number)["abouts"] == [""]
        peer.command("typing", to=wharf_number, state="composing")
        pair.peer_sends("to whom it is blocked by")
        pair.ask("POST", f"/contacts/{peer_number}/unblock", {})
        assert pair.ask("GET", "/blocked") == []
        pair.to_wharf("no more blocked by Wharf")
        came = [e for e in wharf.events[here:] if e["event"] in ("message", "presence") and e["data"].get("body") != "no more blocked by Wharf"]
        assert not came, came
        assert peer.command("abouts", of=wharf_number)["abouts"] == ["Not for you"]
    with report.check(f"{name}: blocks Wharf, which then sees nothing, and nothing of it arrives"):
        peer.command("set_about", text="Not for Wharf")
        peer.command("block", pn=wharf_number, lid=pair.a.lid_user, action="block")
        assert peer.command("blocked")["blocked"] == [pair.a.lid_user]
        _, there = pair.now()
        assert pair.refused(f"/contacts/{peer_number}/picture")[0] == 403, pair.refused(f"/contacts/{peer_number}/picture")
        assert pair.ask("GET", f"/contacts/{peer_number}/about")["about"] == ""
        pair.ask("PUT", f"/chats/{peer_number}/presence", {"state": "composing"})
        wharf.acked(session, wharf.send(session, peer_number, "to who blocked it"), 1)
        peer.command("block", pn=wharf_number, lid=pair.a.lid_user, action="unblock")
        assert peer.command("blocked")["blocked"] == []
        pair.to_peer("no more blocked by the peer")
        came = [e for e in peer.events[there:] if e["event"] in ("message", "chatstate", "presence")
                and e.get("text") != "no more blocked by the peer" and not e.get("fromMe")]  # its own may be told to it late
        assert not came, came
        assert pair.ask("GET", f"/contacts/{peer_number}/about")["about"] == "Not for Wharf"


def own_devices(report, pair):
    """The peer as another device of Wharf's own account."""
    name, kind = pair.name, pair.peer.kind
    sibling = Peer(kind, pair.directory, pair.sandbox, "sibling")
    sibling.command("connect")
    pair.a.scan(sibling.wait("qr")["qr"])
    sibling.wait("open")
    sibling.command("app_state")
    with report.check(f"{name}: as another device of Wharf's account, it has what Wharf set and blocked"):
        sibling.command("privacy")
        pair.set_privacy("groupAdd", "contacts")
        assert sibling.command("privacy")["settings"]["groupadd"] == "contacts"
        if kind.told_of_own_settings:
            sibling.wait("privacy")
        for action, there in (("block", [pair.b.lid_user]), ("unblock", [])):
            before = len(sibling.events)
            pair.ask("POST", f"/contacts/{peer_number}/{action}", {})
            told = sibling.wait("blocklist", since=before, action=action)
            assert told["lid"] == pair.b.lid_user, told
            assert sibling.command("blocked")["blocked"] == there
        assert sibling.command("abouts", of=wharf_number)["abouts"] == ["Not for you"]
    with report.check(f"{name}: what it sets and blocks as another device is so for Wharf"):
        for value in ("none", "all"):
            sibling.command("set_privacy", name="last", value=value)
            assert pair.ask("GET", "/privacy")["lastSeen"] == value
        for action, there in (("block", [peer_chat]), ("unblock", [])):
            sibling.command("block", pn=peer_number, lid=pair.b.lid_user, action=action)
            assert [one["id"] for one in pair.ask("GET", "/blocked")] == there
        sibling.command("set_about", text="From the other device")
        sibling.command("set_picture", file=str(pair.directory / "picture.jpg"))
        assert pair.ask("GET", "/me/picture")["pictureId"] == pair.sandbox.get(f"/phones/{wharf_number}")["pictureId"]
        assert pair.peer.command("abouts", of=wharf_number)["abouts"] == ["From the other device"]
    with report.check(f"{name}: as another device of Wharf's account, it hears how Wharf calls the account and saves people"):
        for own in ("From Wharf", "Anna"):
            before = len(sibling.events)
            pair.ask("PUT", "/me/name", {"name": own})
            sibling.wait("own_name", since=before, name=own)
        for saved in ("Berta Baker", "Bee"):
            before = len(sibling.events)
            pair.ask("PUT", f"/contacts/{peer_number}", {"fullName": saved})
            assert sibling.wait("saved", since=before, name=saved)["pn"] == peer_number
        pair.ask("DELETE", f"/contacts/{peer_number}")
        wait_for("that nobody is saved", lambda: pair.sandbox.get(f"/phones/{wharf_number}")["contacts"] == {})
    sibling.stop()
