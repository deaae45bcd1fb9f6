// Groups on disk: what is written is what there is, and what comes back goes on where it stopped.

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/sandbox/disk.h"
#include "tests/sandbox/group_world.h"

namespace wharf::sandbox::test {

namespace {

struct KeptGroups : GroupWorld {
  Phones phones{world.network};
  Disk disk;
  KeptGroups() {
    Disk::watch(world.network);
    for (auto* account : world.network.accounts()) {
      world.network.changes().changed(RowKind::account, account->phone);
      for (const auto& [id, device] : account->devices)
        world.network.changes().changed(RowKind::device, account->phone, row_number(id, 2));
    }
  }
  std::size_t rows_of(RowKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(disk.rows.begin(), disk.rows.end(), [kind](const auto& row) { return row.first.kind == kind; }));
  }
  void check_disk() {
    disk.commit(world.network, phones);
    for (const auto& [key, value] : disk.rows) {
      INFO("row " << static_cast<int>(key.kind) << " of " << key.owner);
      const auto now = Disk::row(world.network, phones, key);
      REQUIRE(now.has_value());
      REQUIRE(*now == value);
    }
  }
};

}  // namespace

TEST_CASE("whatever becomes of a group, the disk holds what memory holds, and it comes back") {
  KeptGroups w;
  const auto group = w.make({&w.ben, &w.cleo}), other = w.make({&w.dora}, "Other");
  w.check_disk();
  CHECK(w.rows_of(RowKind::group) == 2);
  CHECK(w.rows_of(RowKind::group_member) == 5);
  REQUIRE(w.refused(w.anna, groups::SetDescription{group, "text", "d1", ""}).empty());
  REQUIRE(w.refused(w.anna, groups::SetFlag{group, groups::Flag::announcement, true}).empty());
  REQUIRE(w.refused(w.anna, groups::SetEphemeral{group, {604'800, 1}}).empty());
  REQUIRE(w.refused(w.anna, groups::SetJoinApproval{group, true}).empty());
  REQUIRE(w.refused(w.anna, groups::SetPicture{group, {0xff, 0xd8, 0xff, 0xe0, 7}}).empty());
  const auto old_code = groups::read_invite(w.ask(w.anna, groups::GetInvite{group}));
  const auto code = groups::read_invite(w.ask(w.anna, groups::ResetInvite{group}));
  REQUIRE(code);
  REQUIRE(w.refused(w.dora, groups::JoinByInvite{*code}).empty());
  REQUIRE(w.change(w.anna, group, groups::MemberAction::promote, {lid(w.ben)}).at(0).empty());
  REQUIRE(w.refused(w.cleo, groups::LeaveGroups{{group}}).empty());
  REQUIRE(w.refused(w.dora, groups::LeaveGroups{{other}}).empty());
  REQUIRE(w.refused(w.anna, groups::LeaveGroups{{other}}).empty());
  w.world.network.faults().lose_group_notifications = 1;
  REQUIRE(w.refused(w.anna, groups::SetSubject{group, "Again"}).empty());
  w.check_disk();
  CHECK(w.rows_of(RowKind::group) == 1);
  CHECK(w.rows_of(RowKind::group_member) == 2);
  CHECK(w.rows_of(RowKind::group_picture) == 1);
  CHECK(w.rows_of(RowKind::group_dirt) == 1);
  const auto before = w.metadata(w.anna, group);

  World later;
  Phones none(later.network);
  REQUIRE(w.disk.load(later.network, none));
  Inbox inbox;
  const auto ask = [&](const std::string& phone, const groups::GroupRequest& request) {
    later.network.attach_phone(phone, inbox);
    const auto id = later.id();
    later.network.handle({phone, 0}, groups::request_iq(id, request));
    return inbox.answer(id);
  };
  const auto& anna = w.anna.number;
  const groups::QueryGroup query{group, {}};
  const auto after = groups::read_queried(query, ask(anna, query));
  REQUIRE(after);
  CHECK(*after == before);
  CHECK(GroupWorld::error(ask(w.cleo.number, groups::JoinByInvite{*old_code})) == "410");
  const auto waiting = groups::read_join_requests(ask(w.ben.number, groups::ListJoinRequests{group}));
  REQUIRE(waiting);
  CHECK(waiting->at(0).who.jid == lid(w.dora));
  const groups::ChangeMembers again{group, groups::MemberAction::add, {{lid(w.cleo), {}, {}}}, false};
  CHECK(GroupWorld::rows(ask(anna, again), "add") == std::vector<std::string>{"408"});
  const auto picture = groups::read_picture(ask(anna, groups::GetPicture{group, false, {}}));
  REQUIRE(picture);
  CHECK(later.network.media((*picture)->direct_path)->back() == 7);
}

TEST_CASE("a member more costs a row of its own and those of the group and the notices") {
  KeptGroups w;
  const auto group = w.make({&w.ben});
  w.disk.commit(w.world.network, w.phones);
  REQUIRE(w.change(w.anna, group, groups::MemberAction::add, {lid(w.cleo)}).at(0).empty());
  const auto changes =
      w.world.network.changes().take([&](const RowKey& key) { return Disk::row(w.world.network, w.phones, key); });
  std::size_t of_group = 0, queued = 0;
  for (const auto& change : changes) {
    of_group += change.key.kind == RowKind::group || change.key.kind == RowKind::group_member;
    queued += change.key.kind == RowKind::queued;
  }
  CHECK(of_group == 2);
  CHECK(queued == 5);
  CHECK(changes.size() == 7);
}

TEST_CASE("receipts that are gathered when the process ends are told by the next one") {
  KeptGroups w;
  w.world.network.settings().aggregate_receipts_from = 2;
  const auto group = w.make({&w.ben, &w.cleo});
  w.desk->send(group_message("m1", group, {}));
  for (auto* reader : {&w.ben, &w.cleo}) {
    Node receipt("receipt");
    reader->send(receipt.set("id", "m1").set("to", group).set("participant", w.desk->lid()));
  }
  w.check_disk();
  CHECK(w.rows_of(RowKind::gathered_receipt) == 2);
  World later;
  Phones none(later.network);
  REQUIRE(w.disk.load(later.network, none));
  Inbox inbox;
  later.network.attach_phone(w.anna.number, inbox);
  const auto* told = inbox.last("receipt");
  REQUIRE(told);
  CHECK(told->child("participants")->children().size() == 2);
}

TEST_CASE("a damaged row of a group is refused") {
  World world;
  Primary anna(world, "15550000001");
  const Bytes nothing;
  CHECK_FALSE(world.network.restore({RowKind::group, {}, "120363000000000001"}, protocol::as_bytes("{}")));
  CHECK_FALSE(world.network.restore({RowKind::group_member,
                                     {},
                                     std::string("1\0"
                                                 "15550000001",
                                                 13)},
                                    nothing));
  CHECK_FALSE(world.network.restore({RowKind::group_picture, {}, "1"}, nothing));
  CHECK_FALSE(world.network.restore({RowKind::group_dirt, anna.number, row_number(0, 2)}, nothing));
}

}  // namespace wharf::sandbox::test
