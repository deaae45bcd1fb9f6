#pragma once
// A file that the caller names by URL, fetched into its writer while it comes. The URL is a stranger's: only http and
// https, no credentials, every hop through the address guard of the client (net/outgoing_http.h), never from https back
// to http, everything bounded. Loop thread only.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "api/media_intake.h"
#include "net/outgoing_http.h"
#include "net/scheduler.h"

namespace wharf::api {

struct FetchSettings {
  bool allow_private = false;  // loopback, private and link-local targets
  std::uint64_t max_bytes = 2ull << 30;
  std::chrono::milliseconds total_timeout{10 * 60'000};  // over all hops, the writing of the file included
  std::chrono::milliseconds answer_timeout{15'000};      // of each hop, to the head of its answer
  unsigned max_redirects = 5;
  std::string user_agent = "wharf";
  std::string field = "url";  // where the address stood: failures name it
};

/// The file is from FetchSettings::field, its name that of Content-Disposition or else the last segment of the path.
/// Failures: validation names that field (what it is, an address that may not be asked, a status other than 200 or a
/// server's own error, redirects without end); payload_too_large; media_fetch_failed where the other server or the
/// network is to blame; of the writer as in writer_failure().
using FetchOutcome = std::variant<TakenFile, Failure>;

/// `done` runs once, on the loop, never inside this call. The end of the handle ends it without: the writer is let go.
/// `http` and `scheduler` outlive the handle.
[[nodiscard]] net::OutgoingHandle fetch_media(net::OutgoingHttp& http, net::Scheduler& scheduler, std::string url,
                                              FetchSettings settings, std::shared_ptr<sessions::MediaWriter> writer,
                                              std::function<void(FetchOutcome)> done);

/// Where a Location leads (RFC 3986 section 5.2, RFC 9110 section 10.2.2). Errors: what is wrong with it.
boost::system::result<net::Url, std::string> follow(const net::Url& from, std::string_view location);

}  // namespace wharf::api
