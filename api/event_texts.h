#pragma once
// Rendered events, shared: one event is rendered once per dialect, and decoded at most once, however many subscribers
// and webhooks read it. A bounded memory of the newest; an older event is rendered again. Loop thread only.

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "api/dialect.h"
#include "api/qr_image.h"

namespace wharf::api {

/// An event as it goes out in one dialect.
struct RenderedEvent {
  std::string json;
  std::string request_id;  // of the request that caused it; "" = none, or the event cannot be read
};

class EventTexts {
 public:
  explicit EventTexts(QrImages& images, std::size_t max_bytes = 4u << 20) : images_(images), max_bytes_(max_bytes) {}
  /// Shared by the cache and whoever is sending it. An event that cannot be read is logged, and its text says so.
  std::shared_ptr<const RenderedEvent> text(const storage::Event& event, Dialect dialect);
  /// Only from the memory; nullptr when it is not there.
  std::shared_ptr<const RenderedEvent> remembered(storage::EventId id, Dialect dialect) const;

 private:
  struct Known {
    std::array<std::shared_ptr<const RenderedEvent>, 2> texts;  // by dialect
    /// Of an event that was read from the log, until both dialects are rendered. A fresh one brings its value along.
    std::shared_ptr<const events::Event> decoded;
    std::size_t bytes = 0;
  };
  std::shared_ptr<const events::Event> told(const storage::Event& event, Known& known);
  void forget_oldest();

  QrImages& images_;
  std::size_t max_bytes_, bytes_ = 0;
  std::unordered_map<storage::EventId, Known> known_;
  std::deque<storage::EventId> order_;
};

}  // namespace wharf::api
