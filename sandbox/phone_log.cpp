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
    return changed_(there + dropped_);
  }
  constexpr std::size_t surplus = kept / 10;
  if (messages_.size() == kept + surplus) {
    for (std::size_t i = 0; i < surplus; ++i) {
      index_.erase(key_of(messages_[i].author, messages_[i].id));
      changed_(i + dropped_);
    }
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(surplus));
    behind_.erase(behind_.begin(), behind_.begin() + static_cast<std::ptrdiff_t>(surplus));
    dropped_ += surplus;
  }
  index_[key_of(message.author, message.id)] = messages_.size() + dropped_;
  changed_(messages_.size() + dropped_);
  messages_.push_back(std::move(message));
  behind_.push_back(std::move(behind));
}

void PhoneLog::touch(std::string_view author, std::string_view id) {
  const std::size_t there = position(author, id);
  if (there < messages_.size()) changed_(there + dropped_);
}

std::optional<std::size_t> PhoneLog::position(std::uint64_t number) const {
  if (number < dropped_ || number - dropped_ >= messages_.size()) return std::nullopt;
  return static_cast<std::size_t>(number - dropped_);
}

void PhoneLog::restore(std::uint64_t number, PhoneMessage message, Behind behind) {
  if (messages_.empty()) dropped_ = static_cast<std::size_t>(number);
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
