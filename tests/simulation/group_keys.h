#pragma once
// What the people of a simulated world have ever had of the sender keys of their groups, kept when they forget it
// themselves: for trying whether somebody who is out of a group could still read what is said there.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "protocol/bytes.h"
#include "sandbox/phones.h"
#include "storage/changes.h"

namespace wharf::simulation {

class GroupKeys {
 public:
  /// Of sessions: what their disk sees.
  void note(const storage::Change& change);
  /// Of a phone: what it has of this author's now.
  void note(const sandbox::Phones& phones, const std::string& number, const std::string& group,
            const sandbox::DeviceKey& author);

  /// Whether a ciphertext of the group opens with what the phone, or the session, has ever had.
  bool opens(const std::string& number, const std::string& group, protocol::ByteView shared) const;
  bool opens(storage::SessionId session, const std::string& group, protocol::ByteView shared) const;

 private:
  using Author = std::string;
  using Records = std::map<Author, protocol::Bytes>;
  static bool opens(const Records& records, protocol::ByteView shared);
  std::map<std::pair<std::string, std::string>, Records> of_phones_;           // by number and group
  std::map<std::pair<storage::SessionId, std::string>, Records> of_sessions_;  // and group
};

}  // namespace wharf::simulation
