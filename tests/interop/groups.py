"""Groups: what either side asks of one is seen by the other, in groups that name their members by LID and by number."""

from pair import Pair, every_iq_known, other_number, peer_number, session, wharf_number
from processes import Failed, wait_for

base = f"/sessions/{session}"
dora_number, emil_number, number_only = "491510000004", "491510000005", "491510000006"
nobody = "491519999999"
modes = ("lid", "pn")
operation_checks = {"lid": 26, "pn": 24}


class GroupPair(Pair):
    """A pair in a network whose new groups name their members by LID, or by number; there somebody who has no LID is in
    every group."""

    def __init__(self, kind, wharfd, directory, mode):
        super().__init__(kind, wharfd, directory)
        self.mode, self.name = mode, f"{kind.name} ({'LID' if mode == 'lid' else 'numbers'})"
        self.own_name, self.peer_name = self.called(self.a), self.called(self.b)
        self.always = []
        if mode == "pn":
            self.sandbox.faults(groups_by_number=True)
            self.sandbox.post("/phones", {"phone": number_only, "name": "Nora", "lid": False})
            self.always = [number_only]

    def called(self, phone):
        """The user of the name that groups give to a phone."""
        return phone.lid_user if self.mode == "lid" else phone.number

    def jid(self, phone):
        return f"{self.called(phone)}@{'lid' if self.mode == 'lid' else 's.whatsapp.net'}"

    def ask(self, method, path, body=None, expect=(200, 201, 202, 204)):
        return self.wharf.http.call(method, f"/api/v1{base}{path}", body, expect=expect)[1].get("data")

    def outcomes(self, method, path, *people):
        return [row["result"] for row in self.ask(method, path, {"participants": list(people)})["participants"]]

    def make(self, name, *people, **more):
        return self.ask("POST", "/groups", {"name": name, "participants": [*people, *self.always], **more})["gid"]

    def peer_makes(self, subject, *people):
        return self.peer.command("group_create", subject=subject, people=",".join((*people, *self.always)))["group"]

    def set(self, group, **settings):
        return self.ask("PATCH", f"/groups/{group}", settings)

    def peer_sets(self, group, what, value):
        self.peer.command("group_set", group=group, what=what, value=value)

    def view(self, group, refresh=False):
        """A group as Wharf shows it, in the words of the drivers."""
        shown = self.ask("GET", f"/groups/{group}{'?refresh=true' if refresh else ''}")
        named = lambda who: (who["lid"] if self.mode == "lid" else who["id"]).split("@")[0]  # noqa: E731
        return {"group": shown["id"], "subject": shown["name"], "description": shown.get("description", ""),
                "mode": shown["addressingMode"], "announce": shown["announce"], "locked": shown["locked"],
                "approval": shown["joinApproval"], "membersAdd": shown.get("memberAddMode") == "all",
                "disappearing": shown["disappearing"], "community": shown.get("communityId", ""), "size": shown["size"],
                "members": sorted([named(who), who["role"]] for who in shown["participants"])}

    def same(self, group):
        """Both sides show the same group: what Wharf keeps, what it asks for, and what the peer asks for."""
        theirs = self.peer.command("group_show", group=group)
        theirs = {key: theirs[key] for key in self.view(group)}
        assert self.view(group, refresh=True) == theirs, f"Wharf asks: {self.view(group, refresh=True)}, {self.peer.name}: {theirs}"
        try:
            wait_for("the kept group", lambda: self.view(group) == theirs)
        except Failed:
            raise AssertionError(f"Wharf keeps: {self.view(group)}, {self.peer.name}: {theirs}") from None
        return theirs

    def peer_told(self, since, group, what, **wanted):
        return self.peer.wait("group", since=since, group=group, what=what, **wanted)

    def told(self, since, event, group, **wanted):
        """An event of Wharf about a group. `who`: the numbers of the people in it."""
        who = wanted.pop("who", None)

        def fits(e):
            data = e["data"]
            return (e["event"] == event and e["sessionId"] == session and data["chatId"] == group
                    and all(data.get(key) == value for key, value in wanted.items())
                    and (who is None or sorted(one["id"].split("@")[0] for one in data["participants"]) == sorted(who)))
        return self.wharf.event(fits, f"{event} of {group} with {wanted} {who or ''}", since=since)["data"]

    def now(self):
        """Where both logs stand: (Wharf's, the peer's)."""
        return self.wharf.now(), len(self.peer.events)

    def phone_joins(self, phone, code):
        return phone.post("/groups/join", {"link": code})["state"]


def refused(asked, *codes):
    """The peer's command fails, and says why with one of the codes or words."""
    try:
        answer = asked()
    except RuntimeError as error:
        assert any(code in str(error) for code in codes), str(error)
        return
    raise AssertionError(f"was not refused: {answer}")


def operations(mode):
    def scenario(report, kind, wharfd, directory):
        pair = GroupPair(kind, wharfd, directory, mode)
        pair.carl, pair.dora, pair.emil = (pair.sandbox.phone(number, name) for number, name in
                                           ((other_number, "Carl"), (dora_number, "Dora"), (emil_number, "Emil")))
        ours, theirs = creation(report, pair)
        settings(report, pair, ours, theirs)
        members(report, pair, ours, theirs)
        links(report, pair, ours, theirs)
        requests(report, pair, ours, theirs)
        endings(report, pair, ours, theirs)
        if mode == "lid":
            communities(report, pair)
        every_iq_known(report, pair.name, pair.sandbox)
        pair.stop()
    scenario.__name__ = f"group_operations_{mode}"
    return scenario


def creation(report, pair):
    peer, name = pair.peer, pair.name
    with report.check(f"{name}: is told of the group that Wharf makes, and both show the same"):
        ours = pair.make("Ours", peer_number, other_number, description="By Wharf", announce=True)
        pair.peer_told(0, ours, "created", value="Ours")
        shown = pair.same(ours)
        assert (shown["mode"], shown["description"], shown["announce"]) == (pair.mode, "By Wharf", True), shown
        pair.set(ours, announce=False)
    with report.check(f"{name}: makes a group, which is Wharf's event and group"):
        theirs = pair.peer_makes("Theirs", wharf_number, other_number)
        made = pair.told(0, "group_join", theirs, own=True)
        assert made["author"].split("@")[0] == peer_number, made
        assert pair.same(theirs)["mode"] == pair.mode
    with report.check(f"{name}: lists the same groups"):
        listed = {one["group"]: one for one in peer.command("groups")["groups"]}
        assert sorted(listed) == sorted([ours, theirs]), listed
        for group in (ours, theirs):
            kept = pair.view(group)
            assert {key: listed[group][key] for key in kept} == kept, (kept, listed[group])
    with report.check(f"{name}: is made an admin by Wharf"):
        _, there = pair.now()
        assert pair.outcomes("POST", f"/groups/{ours}/promote", peer_number) == ["promoted"]
        pair.peer_told(there, ours, "promote", value=pair.peer_name)
        pair.same(ours)
    with report.check(f"{name}: makes Wharf an admin"):
        here, _ = pair.now()
        assert peer.command("group_members", group=theirs, action="promote", people=wharf_number)["codes"] == [200]
        pair.told(here, "group_update", theirs, field="role", value="promote", who=[wharf_number])
        wait_for("Wharf to be an admin", lambda: pair.ask("GET", f"/groups/{theirs}")["isAdmin"])
        pair.same(theirs)
    return ours, theirs


# As routes and events name them, the word of the drivers, values.
setting_names = [("name", "subject", ["A new name \u00fc\U0001F44D"]), ("description", "description", ["What for", ""]),
                 ("announce", "announce", [True, False]), ("locked", "locked", [True, False]),
                 ("memberAddMode", "membersAdd", ["all", "admins"]), ("joinApproval", "approval", [True, False]),
                 ("disappearing", "disappearing", [86400, 0])]


def in_words(value):
    """A value as the drivers are told it: everything is text there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return {"all": "yes", "admins": "no"}.get(value, str(value))


def settings(report, pair, ours, theirs):
    for route, word, values in setting_names:
        with report.check(f"{pair.name}: is told what Wharf sets: {word}"):
            for value in values:
                _, there = pair.now()
                pair.set(theirs, **{route: value})
                wanted = value == "all" if route == "memberAddMode" else value
                # whatsmeow says of this one that it was set, not how; its metadata shows it as soon as it is there.
                told = {} if word == "approval" and pair.peer.name == "whatsmeow" else {"value": wanted}
                pair.peer_told(there, theirs, word, **told)
                assert pair.same(theirs)[word] == wanted, (word, wanted, pair.view(theirs))
    with report.check(f"{pair.name}: sets the same, which are Wharf's events and in Wharf's group"):
        for field, word, values in setting_names:
            for value in values:
                here, _ = pair.now()
                pair.peer_sets(ours, word, in_words(value))
                said = pair.told(here, "group_update", ours, field=field)
                assert (said["value"] or "") == (value or ""), (said, value)
                assert said["author"].split("@")[0] == peer_number, said
                pair.same(ours)


def members(report, pair, ours, theirs):
    peer, name = pair.peer, pair.name
    dora, emil = pair.called(pair.dora), pair.called(pair.emil)
    with report.check(f"{name}: is told whom Wharf adds, promotes, demotes and removes"):
        _, there = pair.now()
        path = f"/groups/{ours}/participants"
        added = pair.outcomes("POST", path, dora_number, emil_number, other_number, nobody)
        assert added == ["added", "added", "already_member", "not_on_whatsapp"], added
        assert pair.outcomes("POST", f"/groups/{ours}/promote", dora_number) == ["promoted"]
        assert pair.outcomes("POST", f"/groups/{ours}/demote", dora_number) == ["demoted"]
        pair.same(ours)
        assert pair.outcomes("DELETE", path, dora_number, emil_number) == ["removed", "removed"]
        for what, who in (("add", dora), ("add", emil), ("promote", dora), ("demote", dora), ("remove", dora), ("remove", emil)):
            pair.peer_told(there, ours, what, value=who)
        pair.same(ours)
    with report.check(f"{name}: adds, promotes, demotes and removes, which are Wharf's events"):
        here, _ = pair.now()

        def change(action, *people):
            return peer.command("group_members", group=theirs, action=action, people=",".join(people))["codes"]
        assert change("add", dora_number, emil_number, other_number, nobody) == [200, 200, 409, 404]
        assert change("promote", pair.jid(pair.dora)) == [200]
        assert change("demote", pair.jid(pair.dora)) == [200]
        pair.same(theirs)
        assert change("remove", dora_number, pair.jid(pair.emil)) == [200, 200]
        pair.told(here, "group_join", theirs, own=False, who=[dora_number, emil_number])
        for action in ("promote", "demote"):
            pair.told(here, "group_update", theirs, field="role", value=action, who=[dora_number])
        pair.told(here, "group_leave", theirs, type="removed", own=False, who=[dora_number, emil_number])
        pair.same(theirs)


def links(report, pair, ours, theirs):
    peer, name = pair.peer, pair.name
    with report.check(f"{name}: has the same link as Wharf, and the new one when either makes another"):
        for group, resets in ((ours, "Wharf"), (theirs, "peer")):
            first = pair.ask("GET", f"/groups/{group}/invite")["code"]
            assert peer.command("group_link", group=group)["code"] == first
            here, there = pair.now()
            if resets == "Wharf":
                fresh = pair.ask("DELETE", f"/groups/{group}/invite")["code"]
                pair.peer_told(there, group, "link", value=fresh)
                refused(lambda: peer.command("group_preview", code=first), "410", "gone", "revoked")  # noqa: B023
            else:
                fresh = peer.command("group_link", group=group, reset="yes")["code"]
                pair.told(here, "group_update", group, field="inviteCode", value=fresh)
                pair.ask("GET", f"/groups/invite/{first}", expect=(404, 409, 410, 502))
            assert fresh != first
            assert pair.ask("GET", f"/groups/{group}/invite")["code"] == fresh
            assert peer.command("group_preview", code=fresh)["subject"] == pair.view(group)["subject"]
            assert pair.ask("GET", f"/groups/invite/{fresh}")["size"] == pair.view(group)["size"]
    with report.check(f"{name}: joins a group of Wharf by its link"):
        here, there = pair.now()
        group = pair.make("By link", other_number)
        joined = peer.command("group_join", code=pair.ask("GET", f"/groups/{group}/invite")["code"])["group"]
        assert joined == group, joined
        pair.told(here, "group_join", group, own=False, type="invite", who=[peer_number])
        pair.peer_told(there, group, "add", value=pair.peer_name)
        pair.same(group)
    with report.check(f"{name}: is told that Wharf joins its group by the link"):
        here, there = pair.now()
        group = pair.peer_makes("By their link", other_number)
        joined = pair.ask("POST", "/groups/join", {"link": "https://chat.whatsapp.com/" + peer.command("group_link", group=group)["code"]})
        assert joined == {"gid": group, "status": "joined"}, joined
        pair.peer_told(there, group, "add", value=pair.own_name)
        pair.told(here, "group_join", group, own=True)
        pair.same(group)


def requests(report, pair, ours, theirs):
    peer, name = pair.peer, pair.name
    with report.check(f"{name}: asks to be let in by Wharf"):
        here, there = pair.now()
        group = pair.make("On request", other_number, joinApproval=True)
        peer.command("group_join", code=pair.ask("GET", f"/groups/{group}/invite")["code"])
        pair.told(here, "group_join_request", group, action="created", method="invite_link", who=[peer_number])
        waiting = pair.ask("GET", f"/groups/{group}/requests")
        assert [one["id"].split("@")[0] for one in waiting] == [peer_number], waiting
        assert [row["result"] for row in pair.ask("POST", f"/groups/{group}/requests", {"approve": [peer_number]})["participants"]] == ["approved"]
        pair.told(here, "group_join", group, own=False, who=[peer_number])
        pair.peer_told(there, group, "add", value=pair.peer_name)
        pair.same(group)
    with report.check(f"{name}: lets Wharf in"):
        here, there = pair.now()
        group = pair.peer_makes("On their request", other_number)
        pair.peer_sets(group, "approval", "yes")
        asked = pair.ask("POST", "/groups/join", {"link": peer.command("group_link", group=group)["code"]})
        assert asked == {"gid": group, "status": "pendingApproval"}, asked
        pair.peer_told(there, group, "request", value="created")
        waiting = peer.command("group_requests", group=group)["people"]
        assert waiting == [pair.jid(pair.a)], waiting
        assert peer.command("group_decide", group=group, action="approve", people=waiting[0])["codes"] == [200]
        pair.told(here, "group_join", group, own=True)
        pair.same(group)
    with report.check(f"{name}: is told whom Wharf turns away and who withdraws, and Wharf whom it turns away"):
        here, there = pair.now()
        pair.set(ours, joinApproval=True)
        code = pair.ask("GET", f"/groups/{ours}/invite")["code"]
        for phone in (pair.dora, pair.emil):
            pair.ask("POST", f"/groups/{ours}/participants", {"participants": [phone.number]})
            phone.post(f"/groups/{ours}/leave", {})
            assert pair.phone_joins(phone, code) == "pending_approval"
        turned = pair.ask("POST", f"/groups/{ours}/requests", {"reject": [dora_number]})["participants"]
        assert [(row["id"].split("@")[0], row["status"]) for row in turned] == [(dora_number, 200)], turned
        pair.peer_told(there, ours, "request", value="rejected")
        pair.told(here, "group_join_request", ours, action="rejected", who=[dora_number])
        assert peer.command("group_decide", group=ours, action="reject", people=pair.jid(pair.emil))["codes"] == [200]
        pair.told(here, "group_join_request", ours, action="rejected", who=[emil_number])
        assert pair.phone_joins(pair.dora, code) == "pending_approval"
        pair.dora.post(f"/groups/{ours}/requests/withdraw", {})
        pair.told(here, "group_join_request", ours, action="cancelled", who=[dora_number])
        pair.peer_told(there, ours, "request", value="revoked")
        assert pair.ask("GET", f"/groups/{ours}/requests") == [] == peer.command("group_requests", group=ours)["people"]


def endings(report, pair, ours, theirs):
    peer, name = pair.peer, pair.name
    with report.check(f"{name}: leaves, and Wharf leaves"):
        here, there = pair.now()
        peer.command("group_leave", group=ours)
        pair.told(here, "group_leave", ours, type="left", own=False, who=[peer_number])
        wait_for("a group without the peer", lambda: pair.peer_name not in [who for who, _ in pair.view(ours)["members"]])
        refused(lambda: peer.command("group_show", group=ours), "403", "forbidden", "not participating")
        pair.ask("POST", f"/groups/{theirs}/leave", {})
        pair.peer_told(there, theirs, "remove", value=pair.own_name)
        pair.told(here, "group_leave", theirs, type="left", own=True)
        assert pair.own_name not in [who for who, _ in peer.command("group_show", group=theirs)["members"]]
    with report.check(f"{name}: is removed by Wharf, and removes Wharf"):
        here, there = pair.now()
        group, other = pair.make("Out", peer_number, other_number), pair.peer_makes("Out too", wharf_number, other_number)
        assert pair.outcomes("DELETE", f"/groups/{group}/participants", peer_number) == ["removed"]
        pair.peer_told(there, group, "remove", value=pair.peer_name)
        pair.told(here, "group_join", other, own=True)
        assert peer.command("group_members", group=other, action="remove", people=wharf_number)["codes"] == [200]
        pair.told(here, "group_leave", other, type="removed", own=True)
        pair.ask("POST", "/send-text", {"chatId": other, "content": "into nothing"}, expect=(403,))


def communities(report, pair):
    peer, name = pair.peer, pair.name
    with report.check(f"{name}: shows what Wharf links to a community, and what it takes out of it"):
        group = pair.make("A part", peer_number)
        community = pair.ask("POST", "/groups", {"name": "The whole", "participants": [], "isCommunity": True})["gid"]
        linked = pair.ask("POST", f"/groups/{community}/groups", {"groups": [group]})
        assert linked == {"groups": [{"id": group, "status": 200, "result": "linked"}]}, linked
        assert peer.command("group_show", group=group)["community"] == community
        assert group in peer.command("community_groups", community=community)["groups"]
        pair.same(group)
        pair.ask("DELETE", f"/groups/{community}/groups", {"groups": [group]})
        assert pair.same(group)["community"] == ""
    with report.check(f"{name}: links its group to a community, and takes it out: Wharf's group shows it"):
        group = pair.peer_makes("Their part", wharf_number)
        pair.told(0, "group_join", group, own=True)
        community = peer.command("community_create", subject="Their whole", description="all of it")["group"]
        peer.command("community_link", community=community, group=group)
        assert pair.same(group)["community"] == community
        assert group in [one["id"] for one in pair.ask("GET", f"/groups/{community}/groups")]
        peer.command("community_unlink", community=community, group=group)
        assert pair.same(group)["community"] == ""


operation_scenarios = {operations(mode): operation_checks[mode] for mode in modes}
