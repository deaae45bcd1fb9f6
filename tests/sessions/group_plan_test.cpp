// Whom a message to a group goes to, from who is in it and which devices they have.
#include "sessions/groups/group_plan.h"

#include <catch2/catch.hpp>
#include <map>

#include "protocol/messages/message_id.h"

using namespace wharf;
using namespace wharf::sessions;

namespace groups = protocol::groups;

namespace {

const Jid own_pn("15550000001", "s.whatsapp.net", 3), own_lid("100000000000001", "lid", 3);
const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net");
const Jid carl_pn("15550000003", "s.whatsapp.net");

struct World {
  groups::GroupMetadata group;
  std::map<Jid, std::vector<std::uint16_t>> lists = {
      {own_lid.user_jid(), {0, 3, 9}}, {ben, {0, 12, 99}}, {carl_pn, {0}}};
  std::map<Jid, Jid> lids = {{ben_pn, ben}, {own_pn.user_jid(), own_lid.user_jid()}};

  explicit World(groups::AddressingMode mode) {
    group.addressing_mode = mode;
    const bool by_lid = mode == groups::AddressingMode::lid;
    group.members.push_back(by_lid ? groups::person(own_lid.user_jid(), own_pn.user_jid())
                                   : groups::person(own_pn.user_jid()));
    group.members.push_back(by_lid ? groups::person(ben, ben_pn) : groups::person(ben_pn));
  }
  GroupPlanning plan(const Jid& lid = own_lid) {
    return plan_group({group, own_pn, lid,
                       [this](const Jid& jid) {
                         const auto known = lids.find(jid.user_jid());
                         return known == lids.end() ? jid.user_jid() : known->second;
                       },
                       [this](const Jid& user) {
                         const auto list = lists.find(user);
                         return list == lists.end() ? nullptr : &list->second;
                       }});
  }
};

}  // namespace

TEST_CASE("every device but the sending one and hosted ones, by the names that the group uses") {
  World w(groups::AddressingMode::lid);
  const GroupPlanning planned = w.plan();
  CHECK(planned.unknown.empty());
  CHECK(planned.plan.sender == own_lid);
  CHECK(planned.plan.others == 1);
  std::vector<Jid> all{own_lid};
  for (const GroupDevice& device : planned.plan.devices) {
    CHECK(device.filed == device.wire);
    all.push_back(device.wire);
  }
  const std::vector<Jid> wanted{own_lid, own_lid.with_device(0), own_lid.with_device(9), ben, ben.with_device(12)};
  CHECK(all == wanted);
  CHECK(planned.plan.phash == protocol::participant_hash(wanted));
}

TEST_CASE("a group by number names numbers, though ratchets are filed by LID") {
  World w(groups::AddressingMode::phone_number);
  const GroupPlanning planned = w.plan();
  CHECK(planned.plan.sender == own_pn);
  for (const GroupDevice& device : planned.plan.devices) {
    CHECK(device.filed.is_lid());
    CHECK(device.wire.is_phone_number());
    CHECK(device.filed.device == device.wire.device);
  }
  CHECK(planned.plan.devices.size() == 4);
}

TEST_CASE("somebody who stands there under both names is one member") {
  World w(groups::AddressingMode::lid);
  w.group.members.push_back(groups::person(ben_pn));
  const GroupPlanning planned = w.plan();
  CHECK(planned.plan.others == 1);
  CHECK(planned.plan.devices.size() == 4);
}

TEST_CASE("members whose devices are not known are named, and the account's own LID is needed where it is used") {
  World w(groups::AddressingMode::lid);
  w.lists.erase(ben);
  w.group.members.push_back(groups::person(carl_pn));
  CHECK(w.plan().unknown == std::vector<Jid>{ben});
  CHECK(w.plan(Jid()).nameless);
  World by_number(groups::AddressingMode::phone_number);
  CHECK_FALSE(by_number.plan(Jid()).nameless);
}

TEST_CASE("of a list that is cut the members are counted as the server does") {
  World w(groups::AddressingMode::lid);
  w.group.size = 7;
  w.group.partial = true;
  CHECK(w.plan().plan.others == 6);
  CHECK(w.plan().plan.users.size() == 2);
  w.group.partial = false;
  CHECK(w.plan().plan.others == 1);
}
