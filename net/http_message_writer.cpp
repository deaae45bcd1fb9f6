#include "net/http_message_writer.h"

#include <algorithm>
#include <cctype>

#include "net/base64.h"
#include "net/http_message_reader.h"
#include "net/percent_encoding.h"

namespace wharf::net {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool framing_field(std::string_view name) {
  return same_name(name, "content-length") || same_name(name, "transfer-encoding") || same_name(name, "connection");
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// What is not encoded well goes out as it stands.
std::string decoded(std::string_view text) { return percent_decode(text, Plus::literal).value_or(std::string(text)); }

}  // namespace

std::string make_request_header(const OutgoingRequest& request) {
  const bool plain_method =
      !request.method.empty() && std::all_of(request.method.begin(), request.method.end(),
                                             [](unsigned char c) { return std::isalpha(c) || c == '-'; });
  if (!plain_method) return "";
  bool host = false, authorization = false;
  std::string fields;
  for (const auto& [name, value] : request.headers) {
    if (!valid_header(name, value)) return "";
    if (framing_field(name)) continue;
    host = host || same_name(name, "host");
    authorization = authorization || same_name(name, "authorization");
    append(fields, name, value);
  }
  std::string out = request.method + " " + request.url.target + " HTTP/1.1\r\n";
  if (!host) append(out, "Host", request.url.authority());
  if (!authorization && !request.url.userinfo.empty()) {
    const std::string_view info = request.url.userinfo;
    const std::size_t colon = std::min(info.find(':'), info.size());
    const std::string_view password = colon < info.size() ? info.substr(colon + 1) : std::string_view();
    append(out, "Authorization", basic_authorization(decoded(info.substr(0, colon)), decoded(password)));
  }
  const bool body_expected =
      same_name(request.method, "POST") || same_name(request.method, "PUT") || same_name(request.method, "PATCH");
  const std::uint64_t body_bytes = request.body_source ? request.body_bytes : request.body.size();
  if (body_expected || request.body_source || body_bytes != 0)
    append(out, "Content-Length", std::to_string(body_bytes));
  out.append(fields).append("\r\n");
  return out;
}

}  // namespace wharf::net
