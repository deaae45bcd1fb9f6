#pragma once
// Which bytes of a file answer a GET (RFC 9110 sections 13 and 14).

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace wharf::web {

/// 200 with the whole, 206 with the bytes from `first` to `last` inclusive, 416 none of the file's; 304 of
/// answer_file().
struct RangeAnswer {
  unsigned status = 200;
  std::uint64_t first = 0, last = 0;  // of 200 and 206
  std::uint64_t length() const { return status == 200 || status == 206 ? last - first + 1 : 0; }
};

/// What a Range header asks of a file of `size` > 0 bytes. The whole also answers ranges that are malformed, several,
/// or in another unit: a server may ignore what it does not do.
RangeAnswer answer_range(std::string_view range, std::uint64_t size);

/// The same for a request: If-None-Match first (304), then Range unless If-Range names another version. `etag` is
/// strong and with its quotes: "\"abc\"". We give out no dates, so none is taken for a version.
RangeAnswer answer_file(const net::HttpRequest& request, std::string_view etag, std::uint64_t size);

/// What goes with it: ETag, Accept-Ranges, and Content-Range of 206 and 416.
void add_range_headers(net::HttpResponse& response, const RangeAnswer& answer, std::string_view etag,
                       std::uint64_t size);

}  // namespace wharf::web
