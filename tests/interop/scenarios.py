"""What is checked. Every scenario has processes and a network of its own."""

import signal

from channels import channels
from channels import checks as channel_checks
from clients import Peer, Wharf
from group_conversation import conversation_scenarios
from groups import operation_scenarios
from media import checks as media_checks
from media import media
from pair import Pair, every_iq_known, other_number, peer_number, session, wharf_number
from people import checks as people_checks
from people import people
from people_alone import checks as people_alone_checks
from people_alone import people_alone
from processes import Failed, Sandbox, wait_for
from report import note
from statuses import checks as status_checks
from statuses import statuses


def refused(pair):
    """A pairing that the phone sees end without a device: the control API says why."""
    try:
        linked = pair()
    except Failed as failure:
        return str(failure)
    raise AssertionError(f"was linked: {linked}")


# --- pairing ----------------------------------------------------------------------------------------------------------

def pairing(report, kind, wharfd, directory):
    sandbox = Sandbox(wharfd, directory)
    first, second = sandbox.phone(peer_number, "Berta"), sandbox.phone(other_number, "Carl")
    with report.check(f"{kind.name}: pairs by QR code with a phone"):
        peer = Peer(kind, directory, sandbox, "by-qr")
        peer.command("connect")
        linked = first.scan(peer.wait("qr")["qr"])["device"]
        opened = peer.wait("open")
        assert opened["jid"] == linked, f"the phone linked {linked}, the client is {opened['jid']}"
        assert opened["lid"].split(":")[0] == first.lid_user, opened
    with report.check(f"{kind.name}: takes the phone's snapshot of app state and the push name in it"):
        state = peer.command("app_state")
        assert (state["version"], state["records"], state["pushName"]) == (1, 1, "Berta"), state
    peer.stop()
    with report.check(f"{kind.name}: pairs by a code of eight characters"):
        peer = Peer(kind, directory, sandbox, "by-code")
        peer.command("connect")
        peer.wait("qr")
        code = peer.command("code", phone=other_number)["code"]
        assert len(code) == 8, code
        wait_for("the request to link by code", second.code_pending)
        linked = second.enter_code(code)["device"]
        assert peer.wait("open")["jid"] == linked
    peer.stop()
    every_iq_known(report, kind.name, sandbox)
    sandbox.stop()


# --- a conversation between Wharf and the peer ----------------------------------------------------------------------

def conversation(report, kind, wharfd, directory):
    name = kind.name
    pair = Pair(kind, wharfd, directory)
    wharf, peer, sandbox = pair.wharf, pair.peer, pair.sandbox

    with report.check(f"{name}: reads a first message of Wharf"):
        delivered = pair.to_peer("first from Wharf")
    with report.check(f"{name}: its delivery receipt is ack 2 in Wharf's events and messages"):
        wharf.acked(session, delivered, 2)
        wait_for("ack level 2 in the stored message", lambda: wharf.ack_level(session, delivered) == 2)
    with report.check(f"{name}: its first message is read by Wharf"):
        sent = pair.to_wharf("first from the peer")
        assert wharf.received(session, "first from the peer")["fromMe"] is False
    with report.check(f"{name}: gets Wharf's delivery receipt"):
        peer.wait("ack", id=sent, level=2, since=0)
    with report.check(f"{name}: its read receipt is ack 3 in Wharf's events and messages"):
        message = peer.received("first from Wharf")
        peer.command("read", chat=message["chat"], message=message["id"])
        wharf.acked(session, delivered, 3)
        wait_for("ack level 3 in the stored message", lambda: wharf.ack_level(session, delivered) == 3)
    with report.check(f"{name}: gets Wharf's read receipt"):
        wharf.post(f"/sessions/{session}/chats/{peer_number}/read")
        peer.wait("ack", id=sent, level=3, since=0)

    with report.check(f"{name}: 50 alternating messages arrive"):
        for n in range(25):
            pair.to_peer(f"ping {n}")
            pair.to_wharf(f"pong {n}")

    with report.check(f"{name}: messages to Wharf delivered in reverse are all read"):
        texts = [f"reversed to Wharf {n}" for n in range(4)]
        sandbox.faults(hold_messages=True, reorder=len(texts))
        for text in texts:  # one after the other: the order is what is tested
            pair.peer_sends(text)
        sandbox.post("/faults/release")
        for text in texts:
            wharf.received(session, text)
        order = [e["data"]["body"] for e in wharf.events if e["event"] == "message" and e["data"]["body"] in texts]
        assert order == texts[::-1], f"delivered in this order: {order}"
    with report.check(f"{name}: reads messages of Wharf delivered in reverse"):
        texts = [f"reversed to the peer {n}" for n in range(4)]
        sandbox.faults(hold_messages=True, reorder=len(texts))
        for text in texts:
            wharf.acked(session, wharf.send(session, peer_number, text), 1)
        sandbox.post("/faults/release")
        for text in texts:
            peer.received(text)

    with report.check(f"{name}: Wharf restarted by SIGTERM gets what was sent meanwhile and goes on"):
        pair.restart_wharf(signal.SIGTERM, lambda: pair.peer_sends("while Wharf was stopped"))
        wharf.received(session, "while Wharf was stopped")
        pair.to_peer("after SIGTERM")
        pair.to_wharf("and back after SIGTERM")
    with report.check(f"{name}: Wharf restarted after SIGKILL loses nothing that it accepted"):
        accepted = [f"accepted before SIGKILL {n}" for n in range(5)]
        for text in accepted:
            wharf.send(session, peer_number, text)
        pair.restart_wharf(signal.SIGKILL, lambda: pair.peer_sends("while Wharf was dead"))
        wharf.received(session, "while Wharf was dead")
        for text in accepted:
            peer.received(text)
        pair.to_peer("after SIGKILL")
        pair.to_wharf("and back after SIGKILL")
    with report.check(f"{name}: restarted, it gets what Wharf sent meanwhile and goes on"):
        pair.restart_peer(lambda: wharf.acked(session, wharf.send(session, peer_number, "while the peer was stopped"), 1))
        peer.received("while the peer was stopped")
        pair.to_wharf("after the peer's restart")
        pair.to_peer("and back after the peer's restart")

    with report.check(f"{name}: with its ratchet wiped, it reads the message after a retry"):
        before = pair.retries()
        peer.command("wipe", pn=wharf_number, lid=pair.a.lid_user)
        pair.to_peer("into a wiped ratchet")
        assert pair.retries() > before, "no retry receipt was relayed: the ratchet was not wiped"
        pair.to_wharf("after the wiped ratchet")
        pair.to_peer("and back after the wiped ratchet")
    with report.check(f"{name}: a ciphertext damaged on the way to Wharf is read after a retry"):
        before = pair.retries()
        sandbox.faults(corrupt_messages=3)  # the copies for Wharf, its phone and the sender's phone
        pair.peer_sends("damaged on the way to Wharf")
        wharf.received(session, "damaged on the way to Wharf")
        assert pair.retries() > before, "no retry receipt was relayed: nothing was damaged"
        sandbox.faults(corrupt_messages=0)
        pair.to_wharf("after the damage")
        pair.to_peer("and back after the damage")
    with report.check(f"{name}: a ciphertext of Wharf damaged on the way is read after a retry"):
        before = pair.retries()
        sandbox.faults(corrupt_messages=3)
        pair.to_peer("damaged on the way to the peer")
        assert pair.retries() > before, "no retry receipt was relayed: nothing was damaged"
        sandbox.faults(corrupt_messages=0)
        pair.to_peer("after the damage to the peer")

    seen = [e["text"] for e in peer.saw("message", fromMe=False)]
    report.expect(len(seen) == len(set(seen)), f"{name}: no message of Wharf is shown twice",
                  str([t for t in set(seen) if seen.count(t) > 1]))
    wharf.read_events()
    seen = [e["data"]["body"] for e in wharf.events if e["event"] == "message"]
    report.expect(len(seen) == len(set(seen)), f"{name}: no message is shown twice by Wharf",
                  str([t for t in set(seen) if seen.count(t) > 1]))
    stats = sandbox.get("/stats")
    reused = {f"{d['phone']}:{d['device']}": d["reusedMessageKeys"] for d in stats["devices"] if d["reusedMessageKeys"]}
    # Nobody else uses the peer's keys: one that reuses them harms itself, and says nothing of Wharf.
    if theirs := reused.pop(f"{peer_number}:1", 0):
        note(f"{name} used {theirs} message keys twice")
    report.expect(not reused, f"{name}: no message key was used twice by Wharf or a phone", f"{reused} {stats}")
    every_iq_known(report, name, sandbox)
    pair.stop()


# --- every kind without media ------------------------------------------------------------------------------------------

def kinds(report, kind, wharfd, directory):
    """What is sent by one side is shown by the other, and what is said about a message too."""
    name = kind.name
    pair = Pair(kind, wharfd, directory)
    wharf, peer = pair.wharf, pair.peer
    base = f"/sessions/{session}"

    def wharf_sends(path, **body):
        return wharf.post(f"{base}/{path}", {"chatId": peer_number, **body})["id"]

    def about(message, what, **body):
        return wharf.post(f"{base}/messages/{message}/{what}", body)["id"]

    def peer_says(kind_of, **more):
        return peer.command("say", to=wharf_number, kind=kind_of, **more)["id"]

    def stored(message):
        return wharf.get(f"{base}/messages/{message}")

    def told(event, message, **wanted):
        return wharf.event(lambda e: e["event"] == event and message in e["data"]["messageId"]
                           and all(e["data"].get(key) == value for key, value in wanted.items()), f"{event} of {message}")

    pair.to_peer("first")  # both know each other from here on
    first = pair.to_wharf("first back")

    with report.check(f"{name}: reads Wharf's location, contact and poll"):
        place = wharf_sends("send-location", latitude=52.5, longitude=13.25, name="Berlin")
        assert peer.wait("said", id=place, since=0)["text"] == "52.5,13.25 Berlin"
        card = wharf_sends("send-contact", contacts=[{"name": "Carl", "phone": other_number}])
        assert peer.wait("said", id=card, since=0)["text"] == "Carl"
        poll = wharf_sends("send-poll", name="Tea?", options=["yes", "no"])
        shown = peer.wait("said", id=poll, since=0)
        assert (shown["kind"], shown["text"], shown["options"]) == ("poll", "Tea?", ["yes", "no"]), shown
    with report.check(f"{name}: its location, contact and poll are read by Wharf"):
        theirs = peer_says("location", text="Ulm")
        wharf.event(lambda e: e["event"] == "message" and theirs in e["data"]["id"], "the peer's location")
        assert stored(theirs)["location"] == {"latitude": 48.5, "longitude": 9.25, "name": "Ulm"}, stored(theirs)
        card = peer_says("contact", text="Dora")
        wharf.event(lambda e: e["event"] == "message" and card in e["data"]["id"], "the peer's contact")
        assert stored(card)["contacts"][0]["name"] == "Dora" and "FN:Dora" in stored(card)["contacts"][0]["vcard"], stored(card)
        asked = peer_says("poll", text="Cake?", options="a|b|c")
        wharf.event(lambda e: e["event"] == "message" and asked in e["data"]["id"], "the peer's poll")
        assert stored(asked)["poll"] == {"name": "Cake?", "options": ["a", "b", "c"], "selectableCount": 1}, stored(asked)

    with report.check(f"{name}: shows Wharf's reaction, edit and revoke"):
        about(first, "react", emoji="\U0001F44D")
        assert peer.wait("said", kind="reaction", target=first, since=0)["text"] == "\U0001F44D"
        text = wharf.send(session, peer_number, "frist draft")
        peer.received("frist draft")
        wharf.http.call("PATCH", f"/api/v1{base}/messages/{text}", {"content": "first draft"})
        assert peer.wait("said", kind="edit", target=text, since=0)["text"] == "first draft"
        wharf.http.call("DELETE", f"/api/v1{base}/messages/{text}?forEveryone=true")
        peer.wait("said", kind="revoke", target=text, since=0)
    with report.check(f"{name}: its reaction, edit and revoke are Wharf's events and in its messages"):
        peer_says("reaction", target=place, own="no", text="\u2764\uFE0F")
        told("reaction", place, reaction="\u2764\uFE0F")
        assert [r["emoji"] for r in stored(place)["reactions"]] == ["\u2764\uFE0F"], stored(place)
        peer_says("reaction", target=place, own="no", text="")
        told("reaction", place, reaction="")
        assert stored(place)["reactions"] == [], stored(place)
        text = pair.to_wharf("wrogn")
        peer_says("edit", target=text, own="yes", text="wrong")
        told("message.edited", text, body="wrong")
        assert stored(text)["body"] == "wrong", stored(text)
        peer_says("revoke", target=text, own="yes")
        told("message.revoked", text)
        assert stored(text)["body"] == "" and "revokedAt" in stored(text), stored(text)
    with report.check(f"{name}: is told the timer that Wharf sets, and Wharf's text carries it"):
        wharf.http.call("PUT", f"/api/v1{base}/chats/{peer_number}/disappearing", {"seconds": 604800})
        peer.wait("said", kind="timer", text="604800", since=0)
        wharf.send(session, peer_number, "for a week")
        assert peer.received("for a week")["expires"] == 604800, peer.received("for a week")
        wharf.http.call("PUT", f"/api/v1{base}/chats/{peer_number}/disappearing", {"seconds": 0})
        peer.wait("said", kind="timer", text="0", since=0)
        wharf.send(session, peer_number, "for good")
        assert peer.received("for good")["expires"] == 0, peer.received("for good")
    with report.check(f"{name}: a text that expires is shown so by Wharf"):
        sent = peer.command("send", to=wharf_number, text="gone tomorrow", expires="86400")["id"]
        wharf.received(session, "gone tomorrow")
        assert stored(sent)["expiresAfter"] == 86400, stored(sent)
    with report.check(f"{name}: opens Wharf's vote in its poll"):
        about(asked, "vote", options=["b"])
        peer.wait("said", kind="vote", target=asked, options=["b"], since=0)
        about(asked, "vote", options=["c"])
        peer.wait("said", kind="vote", target=asked, options=["c"], since=0)
    if kind.events:
        with report.check(f"{name}: opens Wharf's answer to its event"):
            event = peer_says("event", text="Picnic")
            wharf.event(lambda e: e["event"] == "message" and event in e["data"]["id"], "the peer's event")
            assert stored(event)["calendarEvent"] == {"name": "Picnic", "startTime": 1795900000, "extraGuestsAllowed": True}, stored(event)
            about(event, "answer", response="going", extraGuests=2)
            peer.wait("said", kind="answer", target=event, text="1 2", since=0)
            about(event, "answer", response="maybe")
            peer.wait("said", kind="answer", target=event, text="3 0", since=0)
            assert stored(event)["eventAnswers"]["maybe"] == 1, stored(event)
    if kind.seals_reactions:
        with report.check(f"{name}: its reaction under the secret of Wharf's poll is opened"):
            peer_says("sealed reaction", target=poll, own="no", text="\u2764\uFE0F")
            told("reaction", poll, reaction="\u2764\uFE0F")
            assert [r["emoji"] for r in stored(poll)["reactions"]] == ["\u2764\uFE0F"], stored(poll)
    if kind.votes:
        with report.check(f"{name}: its vote in Wharf's poll is opened, and the newest counts"):
            peer_says("vote", target=poll, options="no")
            told("poll.vote", poll, selectedOptions=["no"])
            peer_says("vote", target=poll, options="yes")
            told("poll.vote", poll, selectedOptions=["yes"])
            counted = {o["option"]: o["count"] for o in wharf.get(f"{base}/messages/{poll}/poll")["options"]}
            assert counted == {"yes": 1, "no": 0}, counted
    else:
        with report.check(f"{name}: goes on after all of it (this client offers no voting)"):
            pair.to_peer("still here")
            pair.to_wharf("here too")
    every_iq_known(report, name, pair.sandbox)
    pair.stop()


# --- what must be refused ---------------------------------------------------------------------------------------------

def refusals(report, kind, wharfd, directory):
    """Each fault is followed by the same step without it: the refusal was of the fault and of nothing else."""
    name = kind.name
    sandbox = Sandbox(wharfd, directory)
    phone, stranger = sandbox.phone(peer_number, "Berta"), sandbox.phone(other_number, "Carl")
    known = sandbox.phone(wharf_number, "Anna")

    with report.check(f"{name}: refuses a certificate chain of another root"):
        sandbox.faults(bad_certificate=True)
        suspicious = Peer(kind, directory, sandbox, "bad-certificate")
        try:
            suspicious.command("connect")
            raise AssertionError("the connection was accepted")
        except RuntimeError as error:
            assert "certificate" in str(error) or "signature" in str(error), str(error)
        assert not suspicious.saw("qr")
        sandbox.faults(bad_certificate=False)
        suspicious.stop()
    with report.check(f"{name}: refuses an account signature that is wrong, and links with a right one"):
        peer = Peer(kind, directory, sandbox)
        peer.command("connect")
        qr = peer.wait("qr")["qr"]
        sandbox.faults(bad_account_signature=True)
        refused(lambda: phone.scan(qr))
        error = peer.wait("pair_error")["detail"]
        assert "signature" in error, error
        assert not peer.saw("paired")
        sandbox.faults(bad_account_signature=False)
        peer.stop()
        peer = Peer(kind, directory, sandbox, "peer-again")
        peer.command("connect")
        phone.scan(peer.wait("qr")["qr"])
        peer.wait("open")
    with report.check(f"{name}: encrypts nothing for a signed prekey with a wrong signature"):
        peer.send(wharf_number, "before")
        wait_for("message at a phone with good keys", lambda: known.has("before"))
        sandbox.faults(bad_signed_prekey=True)
        try:
            peer.send(other_number, "to wrong keys")
        except RuntimeError as error:
            note(f"{name} says: {error}")
        peer.send(wharf_number, "sentinel")  # behind it on the same connection
        wait_for("sentinel", lambda: known.has("sentinel"))
        assert not any(m["text"] == "to wrong keys" or m["status"] == "failed" for m in stranger.messages()), stranger.messages()
        sandbox.faults(bad_signed_prekey=False)
        peer.send(other_number, "to right keys")
        wait_for("message once the keys are right", lambda: stranger.has("to right keys"))
    peer.stop()
    every_iq_known(report, name, sandbox)
    sandbox.stop()


def leniency(report, kind, wharfd, directory):
    """Not asserted: this client checks no signature. Its runs above prove none of ours; whatsmeow's do."""
    note(f"{kind.name} checks no signatures (certificate chain, account signature, signed prekey): its refusals are not tested")


def wharf_refusals(report, kind, wharfd, directory):
    sandbox = Sandbox(wharfd, directory)
    phone, stranger = sandbox.phone(wharf_number, "Anna"), sandbox.phone(other_number, "Carl")
    known, newcomer = sandbox.phone(peer_number, "Berta"), sandbox.phone("491510000004", "Dora")
    sandbox.faults(bad_certificate=True)
    wharf = Wharf(wharfd, directory, sandbox)
    wharf.create(session)
    with report.check("wharf: refuses a certificate chain of another root, and connects to a right one"):
        wait_for("connection of Wharf", lambda: sandbox.get("/stats")["connections"] >= 1)
        wait_for("complaint about the certificate in Wharf's log", lambda: "certificate" in wharf.process.log())
        assert not wharf.session(session).get("qr")
        sandbox.faults(bad_certificate=False)
        qr = wharf.qr(session)
    with report.check("wharf: refuses an account signature that is wrong, and links with a right one"):
        sandbox.faults(bad_account_signature=True)
        said = refused(lambda: phone.scan(qr))
        assert "signature-mismatch" in said, said
        view = wait_for("failed session", lambda: (v := wharf.session(session))["status"] == "failed" and v)
        assert view["reason"]["code"] == "pairing_refused" and not view.get("me"), view
        sandbox.faults(bad_account_signature=False)
        wharf.post(f"/sessions/{session}/start")
        phone.scan(wharf.qr(session))
        wharf.wait_connected(session)
    with report.check("wharf: encrypts nothing for a signed prekey with a wrong signature"):
        wharf.send(session, peer_number, "before")
        wait_for("message at a phone with good keys", lambda: known.has("before"))
        sandbox.faults(bad_signed_prekey=True)
        wharf.acked(session, wharf.send(session, other_number, "to wrong keys"), -1)
        wharf.send(session, peer_number, "sentinel")
        wait_for("sentinel", lambda: known.has("sentinel"))
        assert not any(m["text"] == "to wrong keys" or m["status"] == "failed" for m in stranger.messages()), stranger.messages()
        sandbox.faults(bad_signed_prekey=False)
        # The devices with wrong keys are left alone for a minute, so right keys are shown by a phone not met before.
        wharf.send(session, newcomer.number, "to right keys")
        wait_for("message once the keys are right", lambda: newcomer.has("to right keys"))
        wharf.acked(session, wharf.send(session, other_number, "too early"), -1)
    wharf.stop()
    every_iq_known(report, "wharf", sandbox)
    sandbox.stop()


checks = {pairing: 4, conversation: 19, kinds: 10, media: media_checks, **operation_scenarios,
          **conversation_scenarios, people: people_checks, people_alone: people_alone_checks, statuses: status_checks,
          channels: channel_checks,
          refusals: 4, leniency: 0, wharf_refusals: 4}


def all_of(kind):
    return [pairing, conversation, kinds, media, *operation_scenarios, *conversation_scenarios, people, people_alone,
            *([statuses] if kind.posts_statuses else []), *([channels] if kind.channels else []),
            refusals if kind.checks_signatures else leniency]


def count(kind):
    return sum(checks[scenario] for scenario in all_of(kind))
