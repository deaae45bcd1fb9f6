"""Channels: what Wharf's has reaches the peer that follows it, and the other way round."""

from pair import Pair, every_iq_known, peer_number, session
from processes import wait_for

base = f"/sessions/{session}"
checks = 7


def channels(report, kind, wharfd, directory):
    pair = Pair(kind, wharfd, directory)
    peer, name, wharf, sandbox = pair.peer, kind.name, pair.wharf, pair.sandbox
    own = wharf.post(base + "/channels", {"name": "Harbour", "description": "Ships and tides"})
    shown = lambda channel: sandbox.get(f"/channels/{channel}")  # noqa: E731
    with report.check(f"{name}: looks at Wharf's channel by its link and its id, and follows it"):
        for by, key in (("invite", own["invite"]), ("jid", own["id"])):
            seen = peer.command("channel_look", by=by, key=key)
            assert (seen["found"], seen["name"]) == (own["id"], "Harbour"), seen
        peer.command("channel_follow", channel=own["id"])
        assert shown(own["id"])["followers"] == [peer_number], shown(own["id"])
    with report.check(f"{name}: reads what Wharf posts"):
        post = wharf.post(f"{base}/channels/{own['id']}/messages?waitFor=server&timeout=60000", {"content": "high tide at noon"})
        got = peer.received("high tide at noon")
        assert (got["chat"], got["id"], got["fromMe"]) == (own["id"], post["id"], False), got
    server_id = wait_for("its server id", lambda: wharf.get(f"{base}/messages/{post['id']}").get("serverId"))
    with report.check(f"{name}: reacts, which Wharf is told of and reads, and takes it back"):
        assert wharf.post(f"{base}/channels/{own['id']}/watch")["seconds"] >= 30
        peer.command("channel_react", channel=own["id"], post=server_id, emoji="👍")
        told = [{"emoji": "👍", "count": 1}]
        wharf.event(lambda e: e["event"] == "channel_update" and e["data"].get("serverId") == server_id and e["data"].get("reactions") == told,
                    "reaction to the post")
        assert wharf.get(f"{base}/channels/{own['id']}/messages")[0]["reactions"] == told
        peer.command("channel_react", channel=own["id"], post=server_id, emoji="")
        wait_for("no reaction", lambda: wharf.get(f"{base}/channels/{own['id']}/messages")[0]["reactions"] == [])
    with report.check(f"{name}: asks for what was posted since"):
        wharf.post(f"{base}/channels/{own['id']}/messages?waitFor=server&timeout=60000", {"content": "low tide at six"})
        assert peer.command("channel_updates", channel=own["id"], after=server_id)["posts"] == 1
    theirs = sandbox.post("/channels", {"phone": peer_number, "name": "Berta's"})["id"]
    wharf.post(f"{base}/channels/{theirs}/follow")
    with report.check(f"{name}: posts, which Wharf stores and tells once"):
        peer.send(theirs, "hello, followers")
        got = wharf.received(session, "hello, followers")
        assert (got["chatId"], got["from"]) == (theirs, theirs), got
        assert got["serverId"] == shown(theirs)["posts"][0]["serverId"], got
        assert len(wharf.get(f"{base}/chats/{theirs}/messages")) == 1
    with report.check(f"{name}: leaves Wharf's channel"):
        peer.command("channel_unfollow", channel=own["id"])
        assert shown(own["id"])["followers"] == [], shown(own["id"])
    every_iq_known(report, name, sandbox)
    pair.stop()
