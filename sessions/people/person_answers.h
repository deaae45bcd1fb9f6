#pragma once
// What is answered about people and about what the own account shows, with both names of everybody.

#include <optional>
#include <string>
#include <vector>

#include "events/person.h"
#include "protocol/account/pictures.h"
#include "protocol/account/presence.h"
#include "storage/contacts.h"

namespace wharf::sessions {

/// Somebody under both names.
struct Person {
  protocol::Jid jid;  // canonical
  events::PersonIds ids;
  friend bool operator==(const Person&, const Person&) = default;
};
/// What WhatsApp says of a number.
struct NumberChecked {
  std::string number;  // as it was asked for: digits
  enum class Result : std::uint8_t {
    registered,    // `who`
    unregistered,  // nobody has it
    invalid,       // it can be nobody's
    unanswered,    // WhatsApp said nothing of it: ask again
  } result = Result::unanswered;
  std::optional<Person> who;
  std::string verified_name;  // of a business; "" = none
  friend bool operator==(const NumberChecked&, const NumberChecked&) = default;
};
struct ContactView {
  storage::ContactRow row;
  events::PersonIds ids;
  bool saved = false;  // in the address book of the phone
  bool fresh = false;  // WhatsApp was asked just now; otherwise it is what was known
};
struct PictureView {
  protocol::PictureState state;
  protocol::Bytes bytes;  // JPEG, when they were asked for and came; at most max_picture_bytes
};
inline constexpr std::size_t max_picture_bytes = 256u << 10;
/// What is known of somebody's presence on this connection.
struct PresenceView {
  Person who;
  std::optional<bool> available;  // nullopt: nothing was told, or it is hidden
  protocol::LastSeen last;
  storage::UnixMs told_at = 0;  // 0 = never
  bool watched = false;         // it is asked for, on this connection and on the next ones
};

}  // namespace wharf::sessions
