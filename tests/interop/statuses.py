"""Statuses: what Wharf posts the peer reads and is seen to have read, what the peer posts Wharf tells of."""

from pair import Pair, every_iq_known, other_number, peer_number, session, wharf_number
from processes import wait_for

base = f"/sessions/{session}/status/posts"
checks = 6


def statuses(report, kind, wharfd, directory):
    pair = Pair(kind, wharfd, directory)
    wharf, peer, name = pair.wharf, pair.peer, kind.name
    pair.sandbox.phone(other_number, "Carl")
    wharf.http.call("PATCH", f"/api/v1/sessions/{session}", {"config": {"statuses": True}})
    pair.to_peer("first")
    pair.to_wharf("first back")

    def post(text, *audience):
        return wharf.post(base, {"type": "text", "content": text, "backgroundColor": "#00AA00", "audience": list(audience)})["id"]

    with report.check(f"{name}: reads a status of Wharf, which is of no chat with it"):
        mine = post("a status", peer_number)
        got = peer.received("a status")
        assert got["chat"] == "status@broadcast" and got["lid"] == pair.a.lid_user, got  # it shows no number there
    with report.check(f"{name}: is not given a status for somebody else, and reads the next one under another key"):
        post("for Carl", other_number)
        wait_for("it at Carl's", lambda: any(s["text"] == "for Carl" for s in pair.sandbox.get(f"/phones/{other_number}/statuses")))
        post("for both", peer_number, other_number)
        peer.received("for both")
        assert not any(e.get("text") == "for Carl" for e in peer.events), peer.events
    with report.check(f"{name}: is a viewer of the status that it says it read"):
        peer.command("read", chat="status@broadcast", message=mine, author=f"{pair.a.lid_user}@lid")
        viewers = wait_for("the viewer", lambda: wharf.get(f"{base}/{mine}/viewers"))
        assert [v["id"] for v in viewers] == [f"{peer_number}@c.us"], viewers
    with report.check(f"{name}: its status is told by Wharf with both ids, and is of no chat"):
        theirs = peer.command("post_status", to=wharf_number, text="a status of mine")["id"]
        told = wharf.event(lambda e: e["event"] == "status.posted" and e["data"]["body"] == "a status of mine",
                           "the peer's status")["data"]
        assert told["author"] == f"{peer_number}@c.us" and told["authorLid"].endswith("@lid"), told
        assert wharf.get(f"{base}/{theirs}")["style"]["backgroundColor"] == "#112233"
        assert [c["id"] for c in wharf.get(f"/sessions/{session}/chats")] == [f"{peer_number}@c.us"]
    with report.check(f"{name}: is sent the receipt of who saw its status"):  # of which it tells nobody
        assert wharf.http.call("POST", f"/api/v1{base}/{theirs}/view")[0] == 204
        wait_for("its ack of the receipt", lambda: any(
            line.startswith(f"< {peer_number}:") and all(part in line for part in ("ack", theirs, "read"))
            for line in pair.sandbox.get("/wire?limit=100000")))
    every_iq_known(report, name, pair.sandbox)
    pair.stop()
