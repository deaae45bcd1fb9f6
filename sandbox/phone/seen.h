#pragma once
// What a phone was told of others: who is there, who writes, what they show of themselves anew. Specification 06
// sections 10 and 12.

#include <cstdint>
#include <string>
#include <variant>

#include "protocol/account/presence.h"

namespace wharf::sandbox {

struct SeenPresence {
  bool available = false;
  protocol::LastSeen last;  // of an unavailable one
};
struct SeenChatState {
  std::string chat;  // phone number, or JID of a group
  protocol::ChatState state{};
};
struct SeenPicture {
  std::string chat;  // whose it is: phone number, or JID of a group
  std::string id;    // "": removed
};
struct SeenAbout {
  std::string text;
};
struct SeenDefaultTimer {
  std::uint32_t seconds = 0;
};
struct SeenBusiness {
  std::string what;  // name, profile, catalogue, removed
};
struct SeenNumber {
  std::string before;  // phone number
};
struct SeenLid {
  protocol::Jid before;
};

struct PhoneSeen {
  std::uint64_t at = 0;  // unix seconds
  std::string from;      // name of the account
  std::variant<SeenPresence, SeenChatState, SeenPicture, SeenAbout, SeenDefaultTimer, SeenBusiness, SeenNumber, SeenLid>
      what;
};

}  // namespace wharf::sandbox
