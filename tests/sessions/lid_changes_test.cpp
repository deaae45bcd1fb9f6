// Somebody has another LID, as the notification `mex` says it. Specification 05 section 6.3, 02 section 9.

#include <algorithm>
#include <vector>

#include "protocol/notifications/notification.h"
#include "tests/sessions/people_stanzas.h"

namespace wharf::test {

namespace {

const Jid moved("200000000000009", "lid");

bool asks_for(const std::vector<Node>& sent, const Jid& user) {
  return std::any_of(sent.begin(), sent.end(), [&](const Node& node) {
    const Node* usync = node.child("usync");
    const Node* list = usync != nullptr ? usync->child("list") : nullptr;
    if (list == nullptr) return false;
    const auto& rows = list->children();
    return std::any_of(rows.begin(), rows.end(), [&](const Node& row) { return row.jid("jid") == user; });
  });
}

struct Fixture : PeopleFixture {
  std::vector<Node> notify(const Jid& before, const Jid& now) {
    return hear(protocol::notification_stanza({"m1", 1'700'000'000, Jid("15550000001", "s.whatsapp.net")},
                                              protocol::LidChanged{before, now}));
  }
};

}  // namespace

TEST_CASE("of somebody who has another LID the number is asked for") {
  Fixture f;
  f.learn(ann_number, ann);
  CHECK(asks_for(f.notify(ann, moved), ann_number));
}

TEST_CASE("another LID of somebody whose number is not known asks for nobody") {
  Fixture f;
  const auto sent = f.notify(ann, moved);
  CHECK(std::none_of(sent.begin(), sent.end(), [](const Node& node) { return node.child("usync") != nullptr; }));
}

}  // namespace wharf::test
