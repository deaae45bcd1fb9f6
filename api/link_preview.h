#pragma once
// What is shown of an address that stands in a text: its page is fetched (api/web_fetch.h), read
// (media/page_preview.h), and the picture that it names made a small one. Nothing of it fails a message: a text whose
// preview cannot be had goes without. Loop thread only; pages and pictures are looked into by a worker.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/web_fetch.h"
#include "net/workers.h"
#include "protocol/messages/body.h"

namespace wharf::api {

inline constexpr std::size_t max_address_bytes = 2048;
inline constexpr std::size_t max_preview_picture_bytes = 5u << 20;

/// The first http or https address of a text, without the punctuation that belongs to the sentence around it; "" when
/// there is none of at most max_address_bytes.
std::string_view first_address(std::string_view text);

struct PreviewSettings {
  bool allow_private = false;
  std::chrono::milliseconds total_timeout{5'000};  // page and picture together
  std::string user_agent = "wharf";
};

/// With a title, and with a picture where that could be had in time; or why there is none: `missing` is for whoever
/// sends the text, `stage` ("page", "title", …) for the log, which sees no text of a message.
struct FetchedPreview {
  std::optional<protocol::LinkPreview> preview;
  std::string missing;
  const char* stage = "";
};

/// `address`: as first_address() gave it. `done` runs once, on the loop, never inside this call. The end of the handle
/// ends it without. `http`, `scheduler` and `workers` outlive the handle.
[[nodiscard]] net::OutgoingHandle fetch_preview(net::OutgoingHttp& http, net::Scheduler& scheduler,
                                                net::Workers& workers, std::string address, PreviewSettings settings,
                                                std::function<void(FetchedPreview)> done);

}  // namespace wharf::api
