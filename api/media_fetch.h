#pragma once
// A file that the caller names by URL, fetched (api/web_fetch.h) into its writer while it comes. Loop thread only.

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "api/media_intake.h"
#include "api/web_fetch.h"

namespace wharf::api {

struct FetchSettings : WebFetchSettings {
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

}  // namespace wharf::api
