#include "api/event_texts.h"

namespace wharf::api {

std::shared_ptr<const std::string> EventTexts::remembered(storage::EventId id, Dialect dialect) const {
  const auto known = texts_.find(key(id, dialect));
  return known == texts_.end() ? nullptr : known->second;
}

std::shared_ptr<const std::string> EventTexts::text(const storage::Event& event, Dialect dialect) {
  if (auto known = remembered(event.id, dialect)) return known;
  auto rendered = std::make_shared<const std::string>(
      event_text(event, dialect, [this](const std::string& qr) { return images_.data_url(qr); }));
  texts_.emplace(key(event.id, dialect), rendered);
  order_.push_back(key(event.id, dialect));
  bytes_ += rendered->size();
  while (bytes_ > max_bytes_ && order_.size() > 1) {
    const auto oldest = texts_.find(order_.front());
    bytes_ -= oldest->second->size();
    texts_.erase(oldest);
    order_.pop_front();
  }
  return rendered;
}

}  // namespace wharf::api
