#include "protocol/stanzas/media_conn.h"

#include <algorithm>

#include "protocol/media/media_urls.h"
#include "protocol/stanzas/iq.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_hosts = 32;
constexpr std::size_t max_hints = 64;
constexpr std::size_t max_hint_bytes = 64;  // also of an IP address
constexpr std::size_t max_auth_bytes = 4096;
constexpr std::uint64_t first_absolute_ttl = 1'000'000'000;  // a unix time of 2001
constexpr std::uint64_t refresh_margin_seconds = 30;

std::vector<std::string> read_hints(const Node* list) {
  std::vector<std::string> hints;
  if (list == nullptr) return hints;
  for (const Node& hint : list->children()) {
    if (hints.size() == max_hints) break;
    hints.push_back(display_line(hint.tag, max_hint_bytes));
  }
  return hints;
}

MediaHost read_host(const Node& node) {
  MediaHost host;
  host.hostname = node.attr("hostname");
  host.fallback = node.attr("type") == "fallback";
  host.fallback_hostname = node.attr("fallback_hostname");
  if (!acceptable_media_host(host.fallback_hostname)) host.fallback_hostname.clear();
  host.ip4 = display_line(node.attr("ip4"), max_hint_bytes);
  host.ip6 = display_line(node.attr("ip6"), max_hint_bytes);
  host.fallback_ip4 = display_line(node.attr("fallback_ip4"), max_hint_bytes);
  host.fallback_ip6 = display_line(node.attr("fallback_ip6"), max_hint_bytes);
  host.max_content_bytes = node.number("maxContentLengthBytes");
  host.accepts_uploads = node.child("upload") != nullptr;
  host.downloads = read_hints(node.child("download"));
  host.buckets = read_hints(node.child("download_buckets"));
  return host;
}

void set_if_any(Node& node, std::string_view key, const std::string& value) {
  if (!value.empty()) node.set(key, value);
}

void add_hints(Node& host, std::string_view tag, const std::vector<std::string>& hints) {
  if (hints.empty()) return;
  Node list(tag);
  for (const std::string& hint : hints) list.add(Node(hint));
  host.add(std::move(list));
}

Node host_node(const MediaHost& host) {
  Node node("host");
  node.set("hostname", host.hostname).set("type", host.fallback ? "fallback" : "primary");
  set_if_any(node, "fallback_hostname", host.fallback_hostname);
  set_if_any(node, "ip4", host.ip4);
  set_if_any(node, "ip6", host.ip6);
  set_if_any(node, "fallback_ip4", host.fallback_ip4);
  set_if_any(node, "fallback_ip6", host.fallback_ip6);
  if (host.max_content_bytes) node.set("maxContentLengthBytes", *host.max_content_bytes);
  if (host.accepts_uploads) node.add(Node("upload"));
  add_hints(node, "download", host.downloads);
  add_hints(node, "download_buckets", host.buckets);
  return node;
}

}  // namespace

std::uint64_t MediaConn::valid_seconds() const { return std::min(ttl_seconds, auth_ttl_seconds); }

std::uint64_t MediaConn::refresh_seconds() const {
  const std::uint64_t valid = valid_seconds();
  return valid < 2 * refresh_margin_seconds ? valid / 2 : valid - refresh_margin_seconds;
}

std::vector<std::string> MediaConn::upload_hosts() const {
  std::vector<std::string> names;
  for (const MediaHost& host : hosts)
    if (host.accepts_uploads) names.push_back(host.hostname);
  return names.empty() ? download_hosts() : names;
}

std::vector<std::string> MediaConn::download_hosts() const {
  std::vector<std::string> names;
  for (const MediaHost& host : hosts) names.push_back(host.hostname);
  return names;
}

Node media_conn_iq(std::string_view id) { return iq_set(id, "w:m").add(Node("media_conn")); }

Result<MediaConn> read_media_conn(const Node& answer, std::uint64_t unix_seconds) {
  if (const auto error = iq_error_of(answer)) {
    return Error(error->code == 429 ? Errc::rate_limited : Errc::refused,
                 "media_conn: " + std::to_string(error->code) + " " + error->text);
  }
  const Node* node = answer.child("media_conn");
  if (!answer.is("iq") || node == nullptr) return Error(Errc::malformed, "answer without media_conn");

  MediaConn connection;
  connection.auth = node->attr("auth");
  if (connection.auth.empty() || connection.auth.size() > max_auth_bytes)
    return Error(Errc::malformed, "media_conn without a token");
  std::uint64_t ttl = node->number("ttl").value_or(0);
  if (ttl >= first_absolute_ttl) ttl = ttl > unix_seconds ? ttl - unix_seconds : 0;
  connection.ttl_seconds = ttl;
  connection.auth_ttl_seconds = node->has("auth_ttl") ? node->number("auth_ttl").value_or(0) : ttl;
  if (connection.valid_seconds() == 0) return Error(Errc::malformed, "media_conn without a lifetime");
  connection.max_buckets = node->number("max_buckets").value_or(0);

  for (const Node* child : node->children("host")) {
    if (connection.hosts.size() == max_hosts) break;
    if (child->attr("hostname").empty()) continue;
    MediaHost host = read_host(*child);
    // A name that is none makes the whole answer doubtful: the token must not travel to such hosts.
    if (!acceptable_media_host(host.hostname)) return Error(Errc::malformed, "media_conn names something not a host");
    connection.hosts.push_back(std::move(host));
  }
  if (connection.hosts.empty()) return Error(Errc::malformed, "media_conn without hosts");
  std::stable_partition(connection.hosts.begin(), connection.hosts.end(),
                        [](const MediaHost& host) { return !host.fallback; });
  return connection;
}

Node media_conn_result(const Node& request, const MediaConn& connection) {
  Node node("media_conn");
  node.set("auth", connection.auth).set("ttl", connection.ttl_seconds);
  node.set("auth_ttl", connection.auth_ttl_seconds).set("max_buckets", connection.max_buckets);
  for (const MediaHost& host : connection.hosts) node.add(host_node(host));
  return iq_result(request).add(std::move(node));
}

}  // namespace wharf::protocol
