"""People, the peer alone: what it makes of the network's answers where Wharf has no part in it, and what the network keeps of
what the peer sets."""

import base64

from clients import Peer
from pair import every_iq_known, other_number, peer_number
from people import loaded, open_person, png, trade
from processes import Sandbox, wait_for

dora_number, emil_number = "491510000004", "491510000005"
nobody, no_number = "491519999999", "123"
checks = 14


class Alone:
    """The peer linked to Berta's phone. Carl shows everything, Dora has nothing, Emil hides everything."""

    def __init__(self, kind, wharfd, directory):
        self.kind, self.name, self.directory = kind, kind.name, directory
        self.sandbox = Sandbox(wharfd, directory)
        self.berta, self.carl, self.dora, self.emil = (self.sandbox.phone(number, name) for number, name in (
            (peer_number, "Berta"), (other_number, "Carl"), (dora_number, "Dora"), (emil_number, "Emil")))
        self.jpeg = b"\xff\xd8\xff\xe0" + bytes(60)  # the network looks no further
        self.picture = open_person(self.carl, self.jpeg)
        open_person(self.emil, self.jpeg)
        self.emil.post("/privacy", {"profile": "none", "status": "none", "last": "none", "online": "match_last_seen"})
        self.peer = Peer(kind, directory, self.sandbox)
        self.peer.command("connect")
        self.berta.scan(self.peer.wait("qr")["qr"])
        self.peer.wait("open")
        self.peer.command("app_state")

    def own(self):
        return self.sandbox.get(f"/phones/{peer_number}")


def people_alone(report, kind, wharfd, directory):
    one = Alone(kind, wharfd, directory)
    answers(report, one)
    own_settings(report, one)
    watching(report, one)
    calls(report, one)
    every_iq_known(report, one.name, one.sandbox)
    one.peer.stop()
    one.sandbox.stop()


def answers(report, one):
    peer, name, kind = one.peer, one.name, one.kind
    with report.check(f"{name}: tells numbers that are there from those that are not and from what is none"):
        given = ["+" + other_number, "+" + nobody, "+" + dora_number, "+" + no_number]
        answer = peer.command("numbers", numbers=",".join(given))
        assert answer["found"] == [other_number, dora_number], answer
        if kind.reads_user_info:
            assert answer["names"] == {other_number: trade["name"]}, answer
        assert peer.command("numbers", numbers="+" + nobody)["found"] == []
    with report.check(f"{name}: gets a picture that is there, none where there is none, and a refusal where it is hidden"):
        for who in (other_number, one.carl.lid):
            for preview in ("yes", "no"):
                found = peer.command("picture", of=who, preview=preview)
                assert found["state"] == "present" and found.get("id", one.picture) == one.picture, found
                assert found.get("type", "preview" if preview == "yes" else "image") == ("preview" if preview == "yes" else "image"), found
                assert loaded(one.sandbox, found["url"]) == one.jpeg
        for who, state in ((one.dora, "none"), (one.emil, "hidden")):
            for form in (who.number, who.lid):
                assert peer.command("picture", of=form)["state"] == state, (state, form)
        if kind.reads_user_info:  # and it can say which it has
            assert peer.command("picture", of=other_number, known=one.picture)["state"] == "unchanged"
            assert peer.command("picture", of=other_number, known="1")["state"] == "present"
    with report.check(f"{name}: reads what people say about themselves, each its own, and nothing of who hides it"):
        of = ",".join((other_number, emil_number, dora_number))
        assert peer.command("abouts", of=of)["abouts"] == ["Call me", "", ""], peer.command("abouts", of=of)
        if kind.reads_user_info:
            rows = peer.command("info", of=of)["info"]
            assert [row["picture"] for row in rows] == [one.picture, "", ""], rows
            assert [row["lid"] for row in rows] == [who.lid_user for who in (one.carl, one.emil, one.dora)], rows
            assert all(row["devices"] == 1 for row in rows), rows
    with report.check(f"{name}: reads a business, and finds none where there is none"):
        found = peer.command("business", of=other_number)
        wanted = {"address": trade["address"], "email": trade["email"], "category": "Food", "timezone": trade["timezone"],
                  "hours": [["mon", "specific_hours", "480", "1020"], ["sat", "open_24h", "", ""]],
                  "description": trade["description"], "website": trade["websites"][0]}
        assert all(found.get(key, value) == value for key, value in wanted.items()), (found, wanted)
        assert peer.command("business", of=dora_number)["found"] is False, peer.command("business", of=dora_number)


# Every value that the client can set, the last one is what it is again.
privacy_values = {"last": ["contacts", "none", "all"], "online": ["match_last_seen", "all"], "profile": ["contacts", "none", "all"],
                  "status": ["none", "all", "contacts"], "readreceipts": ["none", "all"], "groupadd": ["contacts", "all"],
                  "calladd": ["known", "all"]}


def own_settings(report, one):
    peer, name, kind = one.peer, one.name, one.kind
    with report.check(f"{name}: sets its privacy, category by category, and reads it back"):
        before = peer.command("privacy")["settings"]
        assert all(before[category] == values[-1] for category, values in privacy_values.items()), before
        for category, values in privacy_values.items():
            for value in values:
                peer.command("set_privacy", name=category, value=value)
                assert one.own()["privacy"][category] == value, (category, value, one.own())
                after = peer.command("privacy")["settings"]
                assert after == {**before, category: value}, (category, value, after)
    with report.check(f"{name}: is refused a value that a setting has not, which stays as it was"):
        try:
            answer = peer.command("set_privacy", name="online", value="none")
        except RuntimeError as error:
            assert "400" in str(error) or "bad" in str(error), str(error)
        else:
            raise AssertionError(f"was not refused: {answer}")
        assert one.own()["privacy"]["online"] == "all", one.own()
    with report.check(f"{name}: keeps a block list, and is told what its phone changes in it"):
        assert peer.command("blocked")["blocked"] == []
        for action, there in (("block", [other_number]), ("unblock", [])):
            peer.command("block", pn=other_number, lid=one.carl.lid_user, action=action)
            assert peer.command("blocked")["blocked"] == ([one.carl.lid_user] if there else [])
            assert one.own()["blocked"] == there, one.own()
        for on, action in ((True, "block"), (False, "unblock")):
            before = len(peer.events)
            one.berta.post("/block", {"phone": dora_number, "on": on})
            assert peer.wait("blocklist", since=before, action=action)["lid"] == one.dora.lid_user
            assert peer.command("blocked")["blocked"] == ([one.dora.lid_user] if on else [])
    with report.check(f"{name}: sets and takes away its picture, and is told what its phone does to it"):
        file = one.directory / "own.jpg" if kind.reads_user_info else one.directory / "own.png"  # one client makes the JPEG itself
        file.write_bytes(one.jpeg if kind.reads_user_info else png(64, 64))
        made = peer.command("set_picture", file=str(file))
        shown = one.own()["pictureId"]
        assert shown and made.get("id", shown) == shown, (made, shown)
        found = peer.command("picture", of=peer_number)
        assert found["state"] == "present" and loaded(one.sandbox, found["url"])[:3] == b"\xff\xd8\xff", found
        peer.command("remove_picture")
        assert one.own()["pictureId"] is None and peer.command("picture", of=peer_number)["state"] == "none"
        if kind.told_of_own_settings:
            before = len(peer.events)
            one.berta.post("/picture", {"data": base64.b64encode(one.jpeg).decode()})
            peer.wait("picture", since=before, pn=peer_number)
    with report.check(f"{name}: sets what it says about itself, its timer and its name, as its phone shows them"):
        for text in ("Out \u2602", ""):
            peer.command("set_about", text=text)
            assert one.own()["about"] == text, one.own()
            assert peer.command("abouts", of=peer_number)["abouts"] == [text]
        for seconds in (86400, 0):
            peer.command("set_default_timer", seconds=str(seconds))
            assert one.own()["defaultTimer"] == seconds, one.own()
        one.berta.post("/default-timer", {"seconds": 604800})
        assert peer.command("default_timer", of=peer_number)["seconds"] == 604800
        if not kind.told_of_own_settings:
            peer.wait("default_timer", since=0, seconds=604800)
        peer.command("set_name", name="Bertha")
        peer.command("presence", state="available")
        wait_for("the name at the phone", lambda: one.own()["name"] == "Bertha")


def watching(report, one):
    peer, name = one.peer, one.name

    def told(since, who):
        return [(e["available"], e["lastSeen"] > 0) for e in list(peer.events[since:])
                if e["event"] == "presence" and (e["pn"] == who.number or e["lid"] == who.lid_user)]
    with report.check(f"{name}: watches who shows it, and hears nothing of who hides or has blocked it"):
        one.dora.post("/block", {"phone": peer_number, "on": True})
        start = len(peer.events)
        for who in (one.emil, one.dora, one.carl):  # who is told of comes behind who must not be
            peer.command("subscribe", to=who.number)
        wait_for("Carl", lambda: told(start, one.carl) == [(True, False)])
        for on in (False, True):
            for who in (one.emil, one.dora, one.carl):
                who.post("/presence", {"available": on})
        wait_for("Carl's going and coming", lambda: told(start, one.carl) == [(True, False), (False, True), (True, False)])
        one.carl.post("/privacy", {"last": "none"})
        one.carl.post("/presence", {"available": False})
        wait_for("Carl's going without a time", lambda: told(start, one.carl)[3:] == [(False, False)])
        assert told(start, one.emil) == told(start, one.dora) == [], peer.events[start:]
        one.dora.post("/block", {"phone": peer_number, "on": False})
    with report.check(f"{name}: is shown what only contacts see, once it has a chat with one, whose token it keeps"):
        one.emil.post("/privacy", {"profile": "contacts", "status": "contacts"})
        assert peer.command("picture", of=emil_number)["state"] == "hidden"
        friend = Peer(one.kind, one.directory, one.sandbox, "friend")
        friend.command("connect")
        one.emil.scan(friend.wait("qr")["qr"])
        friend.wait("open")
        friend.command("send", to=peer_number, text="from a friend")
        peer.received("from a friend")
        if one.kind.gives_tokens:
            wait_for("the token", lambda: peer.command("token", pn=emil_number, lid=one.emil.lid_user)["bytes"] > 0)
        assert peer.command("picture", of=emil_number)["state"] == "present"
        assert peer.command("abouts", of=emil_number)["abouts"] == ["Call me"]
        friend.stop()


def calls(report, one):
    peer, name = one.peer, one.name

    def states(phone, call):
        return [c["state"] for c in one.sandbox.get(f"/phones/{phone}/calls") if c["id"] == call]
    with report.check(f"{name}: is called, rejects it, and both phones hear of that"):
        before = len(peer.events)
        call = one.carl.post("/calls", {"to": peer_number, "video": True})["id"]
        rings = peer.wait("call", since=before, id=call, state="offer")
        assert rings["video"] and (rings["pn"] == other_number or rings["lid"] == one.carl.lid_user), rings
        peer.command("reject_call", id=call, of=rings["of"])
        wait_for("the refusal at the caller", lambda: states(other_number, call) == ["rejected"])
        wait_for("the end at its own phone", lambda: states(peer_number, call) == ["rejectedElsewhere"])
    with report.check(f"{name}: is told that a call is over when the caller gives up"):
        before = len(peer.events)
        call = one.carl.post("/calls", {"to": peer_number})["id"]
        peer.wait("call", since=before, id=call, state="offer")
        one.carl.post(f"/calls/{call}/cancel", {})
        peer.wait("call", since=before, id=call, state="end")
        assert states(other_number, call) == ["ended"] and states(peer_number, call) in (["ringing"], ["missed"])
