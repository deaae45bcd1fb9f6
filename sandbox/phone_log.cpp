#include "sandbox/phone_log.h"

#include <utility>

namespace wharf::sandbox {

namespace {

std::string key_of(std::string_view author, std::string_view id) {
  std::string key(author);
  key += '/';
  key += id;
  return key;
}

}  // namespace

void PhoneLog::put(PhoneMessage message, Behind behind) {
  const std::size_t there = position(message.author, message.id);
  if (there < messages_.size()) {
    messages_[there] = std::move(message);
    behind_[there] = std::move(behind);
    return;
  }
  constexpr std::size_t surplus = kept / 10;
  if (messages_.size() == kept + surplus) {
    for (std::size_t i = 0; i < surplus; ++i) index_.erase(key_of(messages_[i].author, messages_[i].id));
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(surplus));
    behind_.erase(behind_.begin(), behind_.begin() + static_cast<std::ptrdiff_t>(surplus));
    dropped_ += surplus;
  }
  index_[key_of(message.author, message.id)] = messages_.size() + dropped_;
  messages_.push_back(std::move(message));
  behind_.push_back(std::move(behind));
}

std::size_t PhoneLog::position(std::string_view author, std::string_view id) const {
  const auto found = index_.find(key_of(author, id));
  return found == index_.end() ? messages_.size() : found->second - dropped_;
}

PhoneMessage* PhoneLog::find(std::string_view author, std::string_view id) {
  const std::size_t there = position(author, id);
  return there < messages_.size() ? &messages_[there] : nullptr;
}

PhoneLog::Behind* PhoneLog::behind(std::string_view author, std::string_view id) {
  const std::size_t there = position(author, id);
  return there < behind_.size() ? &behind_[there] : nullptr;
}

}  // namespace wharf::sandbox
