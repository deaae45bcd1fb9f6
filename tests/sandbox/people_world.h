#pragma once
// Accounts that ask about each other: Anna and Ben have a chat, Cleo knows nobody. Anna and Ben have a companion.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/account/pictures.h"
#include "protocol/account/privacy.h"
#include "protocol/account/profile.h"
#include "protocol/account/profile_query.h"
#include "protocol/notifications/notification.h"
#include "sandbox/shown_account.h"
#include "tests/sandbox/disk.h"
#include "tests/sandbox/fixture.h"

namespace wharf::sandbox::test {

struct PeopleWorld {
  PeopleWorld();
  ~PeopleWorld();
  World world;
  Disk disk;
  Primary anna{world, "15550000001", "Anna"}, ben{world, "15550000002", "Ben"}, cleo{world, "15550000003", "Cleo"};
  std::unique_ptr<Companion> desk, bens;  // of Anna, of Ben
  std::string id() { return world.id(); }

  /// The whole answer.
  Node ask(Primary& who, const Node& iq);
  Node ask(Companion& who, const Node& iq);
  /// The code of an answer that is an error; "" of a result.
  static std::string error(const Node& answer);

  void set_privacy(Primary& who, protocol::PrivacyCategory category, protocol::PrivacyValue value);
  void block(Primary& who, Primary& whom);
  /// One that `issuer` gives to `holder`, who is told of it.
  Bytes token(Primary& issuer, Primary& holder);
  protocol::PictureState picture(Primary& viewer, const protocol::PictureQuery& query);
  /// The one user of a profile query.
  protocol::Profile profile(Primary& viewer, protocol::ProfileFields fields, const protocol::ProfileTarget& whom);
};

/// What the notifications in an inbox say to a device of this account, oldest first.
std::vector<protocol::NotificationEvent> events(const Inbox& inbox, const Account& reader);
template <class Event>
std::vector<Event> told(const Inbox& inbox, const Account& reader) {
  std::vector<Event> out;
  for (const auto& event : events(inbox, reader)) {
    if (const auto* wanted = std::get_if<Event>(&event)) out.push_back(*wanted);
  }
  return out;
}

/// The same accounts in a network that was started again from what is committed now.
struct LaterWorld {
  explicit LaterWorld(PeopleWorld& before);
  ~LaterWorld();
  Disk disk;
  World world;
  Phones none{world.network};
  Inbox inbox;
  Node ask(const std::string& phone, const Node& iq);
};

}  // namespace wharf::sandbox::test
