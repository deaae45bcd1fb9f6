#include "tests/simulation/group_keys.h"

#include <variant>

#include "protocol/signal/sender_key.h"

namespace wharf::simulation {

void GroupKeys::note(const storage::Change& change) {
  const auto* put = std::get_if<storage::PutSenderKey>(&change);
  if (put != nullptr) of_sessions_[{put->session, put->group.to_string()}][put->author.to_string()] = put->record;
}

void GroupKeys::note(const sandbox::Phones& phones, const std::string& number, const std::string& group,
                     const sandbox::DeviceKey& author) {
  const std::string name = text_of(author);
  auto record = phones.row({sandbox::RowKind::phone_sender_key, number, group + '\0' + name});
  if (record) of_phones_[{number, group}][name] = std::move(*record);
}

bool GroupKeys::opens(const Records& records, protocol::ByteView shared) {
  for (const auto& [author, bytes] : records) {
    auto record = protocol::SenderKeyRecord::parse(bytes);
    if (record && record->decrypt(shared)) return true;
  }
  return false;
}

bool GroupKeys::opens(const std::string& number, const std::string& group, protocol::ByteView shared) const {
  const auto found = of_phones_.find({number, group});
  return found != of_phones_.end() && opens(found->second, shared);
}

bool GroupKeys::opens(storage::SessionId session, const std::string& group, protocol::ByteView shared) const {
  const auto found = of_sessions_.find({session, group});
  return found != of_sessions_.end() && opens(found->second, shared);
}

}  // namespace wharf::simulation
