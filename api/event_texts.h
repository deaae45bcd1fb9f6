#pragma once
// Rendered events, shared: one event is rendered once per dialect however many subscribers and webhooks read it. A
// bounded memory of the newest; an older event is rendered again. Loop thread only.

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "api/dialect.h"
#include "api/qr_image.h"

namespace wharf::api {

class EventTexts {
 public:
  explicit EventTexts(QrImages& images, std::size_t max_bytes = 4u << 20) : images_(images), max_bytes_(max_bytes) {}
  /// Shared by the cache and whoever is sending it.
  std::shared_ptr<const std::string> text(const storage::Event& event, Dialect dialect);
  /// Only from the memory; nullptr when it is not there.
  std::shared_ptr<const std::string> remembered(storage::EventId id, Dialect dialect) const;

 private:
  static std::int64_t key(storage::EventId id, Dialect dialect) {
    return id * 2 + (dialect == Dialect::gateway ? 1 : 0);
  }
  QrImages& images_;
  std::size_t max_bytes_, bytes_ = 0;
  std::unordered_map<std::int64_t, std::shared_ptr<const std::string>> texts_;
  std::deque<std::int64_t> order_;
};

}  // namespace wharf::api
