#pragma once
// What is known of people: the names that they and the phone's address book give them, their about text, which picture
// they show. Filed under the device of the session, as keys are: the next account knows other people. Specification 02
// section 10.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

enum class Registered : std::uint8_t { unknown = 0, no = 1, yes = 2 };

struct ContactRow {
  protocol::Jid user;         // canonical: the LID when known
  std::string push_name;      // as they call themselves; "" = not known
  std::string name;           // as the phone's address book calls them, or called the number that they had before
  std::string verified_name;  // of a business; "" = none, or not known
  std::string username;       // "" = none, or not known
  std::string about;          // "" = none, hidden or not known
  UnixMs about_at = 0;        // when it was set; 0 = not known
  std::string picture_id;     // "" = none, hidden or not known
  Registered registered = Registered::unknown;
  UnixMs looked_at = 0;  // when WhatsApp was last asked about this person; 0 = never
  bool watched = false;  // their presence is asked for at every login
  friend bool operator==(const ContactRow&, const ContactRow&) = default;
};
/// Whether anything is known of them: of somebody whose presence was watched, or who is saved no more, it may be
/// nothing.
inline bool says_something(const ContactRow& row) {
  return !row.push_name.empty() || !row.name.empty() || !row.verified_name.empty() || !row.username.empty() ||
         !row.about.empty() || row.about_at != 0 || !row.picture_id.empty() || row.looked_at != 0 ||
         row.registered != Registered::unknown;
}
std::optional<ContactRow> find_contact(Database& db, SessionId session, const protocol::Jid& user);
struct ContactPage {
  std::vector<ContactRow> contacts;  // in the order of their JIDs' numbers: stable while pages are read
  std::optional<std::int64_t> next;  // cursor
};
/// Those who are not known to be unregistered. `limit` 1..1000; `after`: a cursor, 0 at first.
ContactPage page_contacts(Database& db, SessionId session, std::size_t limit, std::int64_t after);
/// At most `most` of those whose presence is watched.
std::vector<protocol::Jid> watched_contacts(Database& db, SessionId session, std::size_t most);

/// Replaces what is there.
struct PutContact {
  SessionId session;
  ContactRow row;
  friend bool operator==(const PutContact&, const PutContact&) = default;
};
/// Nothing when there is none.
struct RemoveContact {
  SessionId session;
  protocol::Jid user;
  friend bool operator==(const RemoveContact&, const RemoveContact&) = default;
};

}  // namespace wharf::storage
