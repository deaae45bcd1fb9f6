#pragma once
// What goes wrong on the media host because a test wants it to: rules, each for the next so many requests that it fits.
// Pure. Specification 06 section 20, docs/sandbox.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wharf::sandbox {

enum class MediaWay { upload, download };  // POST of a file and its resume=1; GET
/// The host of media_conn that the request named; or no host at all: the simulated phones of the process.
enum class MediaDoor { primary, fallback, phones };

struct MediaFault {
  enum class What {
    status,    // this status instead of anything else
    dead,      // the connection ends without an answer
    cut,       // the connection is reset after `bytes` of the body
    truncate,  // the body ends in good order after `bytes` (downloads)
    flip,      // the byte behind `bytes` is wrong: of a download, or of an upload as it comes (which is 400 then)
    slow,      // `bytes_per_second` of the body, on the network's clock
  };
  What what = What::status;
  unsigned status = 500;
  unsigned retry_after_seconds = 0;  // Retry-After of a status; 0: none
  std::uint64_t bytes = 0;
  std::uint64_t bytes_per_second = 1'000;
  unsigned count = 1;  // of requests; 0: over
  // Whom it fits; what is unset fits all, but the phones only when they are named: a copy of what a client is sent
  // goes to a phone too, and which of both comes first is nobody's choice.
  std::optional<MediaWay> on;
  std::optional<MediaDoor> host;
  std::string kind;
  std::string path;  // of a download: without query
};

struct MediaTraits {
  MediaWay on = MediaWay::download;
  MediaDoor host = MediaDoor::primary;
  std::string_view kind, path;
};

class MediaFaults {
 public:
  static constexpr std::size_t max_rules = 32;
  static constexpr unsigned max_count = 1'000'000;

  /// In place of those before; the first that fits a request is taken.
  void set(std::vector<MediaFault> rules);
  /// Those that still wait for requests.
  const std::vector<MediaFault>& rules() const { return rules_; }
  /// What happens to this request; counts it.
  std::optional<MediaFault> take(const MediaTraits& request);

 private:
  std::vector<MediaFault> rules_;
};

}  // namespace wharf::sandbox
