#include "daemon/configuration.h"

#include <toml++/toml.h>
#include <filesystem>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

#include "net/url.h"
#include "net/web_guard.h"
#include "protocol/bytes.h"

namespace wharf::daemon {

using protocol::Errc;
using protocol::Error;

namespace {

Error bad(std::string detail) { return Error(Errc::malformed, std::move(detail)); }

ConfigurationKey text(const char* name, std::string Configuration::*member, const char* description,
                      std::vector<std::string> allowed = {}) {
  ConfigurationKey key;
  key.name = name;
  key.description = description;
  key.set = [member, allowed](Configuration& c, const std::string& value) -> Result<void> {
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      std::string list;
      for (const auto& word : allowed) list += (list.empty() ? "" : ", ") + word;
      return bad("'" + value + "' is not one of: " + list);
    }
    c.*member = value;
    return {};
  };
  key.show = [member](const Configuration& c) { return c.*member; };
  return key;
}

ConfigurationKey flag(const char* name, bool Configuration::*member, const char* description) {
  ConfigurationKey key;
  key.name = name;
  key.description = description;
  key.set = [member](Configuration& c, const std::string& value) -> Result<void> {
    if (value == "true" || value == "1" || value == "yes" || value == "on") {
      c.*member = true;
    } else if (value == "false" || value == "0" || value == "no" || value == "off") {
      c.*member = false;
    } else {
      return bad("'" + value + "' is not true or false");
    }
    return {};
  };
  key.show = [member](const Configuration& c) { return c.*member ? "true" : "false"; };
  return key;
}

ConfigurationKey number(const char* name, std::uint64_t Configuration::*member, const char* description,
                        std::uint64_t low, std::uint64_t high) {
  ConfigurationKey key;
  key.name = name;
  key.description = description;
  key.set = [member, low, high](Configuration& c, const std::string& value) -> Result<void> {
    std::uint64_t parsed = 0;
    const auto end = value.data() + value.size();
    const auto result = std::from_chars(value.data(), end, parsed);
    if (result.ec != std::errc() || result.ptr != end || parsed < low || parsed > high) {
      return bad("'" + value + "' is not a number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    c.*member = parsed;
    return {};
  };
  key.show = [member](const Configuration& c) { return std::to_string(c.*member); };
  return key;
}

// A TOML array, or the same separated by commas. `read` gives each entry its one spelling; nullopt: not valid.
ConfigurationKey list(const char* name, std::vector<std::string> Configuration::*member, const char* description,
                      std::optional<std::string> (*read)(std::string_view), const char* wanted) {
  ConfigurationKey key;
  key.name = name;
  key.description = description;
  key.set = [member, read, wanted](Configuration& c, const std::string& value) -> Result<void> {
    std::vector<std::string> entries;
    std::istringstream rest(value);
    for (std::string entry; std::getline(rest, entry, ',');) {
      entry.erase(0, entry.find_first_not_of(' '));
      entry.erase(entry.find_last_not_of(' ') + 1);
      if (entry.empty()) continue;
      const auto read_entry = read(entry);
      if (!read_entry) return bad("'" + entry + "' is not " + wanted);
      entries.push_back(*read_entry);
    }
    c.*member = std::move(entries);
    return {};
  };
  key.show = [member](const Configuration& c) {
    std::string shown;
    for (const auto& entry : c.*member) shown += (shown.empty() ? "" : ",") + entry;
    return shown;
  };
  return key;
}

const ConfigurationKey* find_key(const std::string& name) {
  for (const auto& key : configuration_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

Result<void> apply_table(Configuration& configuration, const toml::table& table, const std::string& prefix,
                         const std::string& path) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const std::string where = path + ":" + std::to_string(node.source().begin.line);
    if (const auto* inner = node.as_table()) {
      if (auto applied = apply_table(configuration, *inner, key + ".", path); !applied) return applied;
      continue;
    }
    std::string value;
    if (const auto s = node.value_exact<std::string>()) {
      value = *s;
    } else if (const auto i = node.value_exact<std::int64_t>()) {
      value = std::to_string(*i);
    } else if (const auto b = node.value_exact<bool>()) {
      value = *b ? "true" : "false";
    } else if (const auto* entries = node.as_array(); entries && entries->is_homogeneous<std::string>()) {
      for (const auto& entry : *entries) value += (value.empty() ? "" : ",") + entry.value_or(std::string());
    } else if (entries == nullptr || !entries->empty()) {
      return bad(where + ": " + key + ": a string, number, boolean or a list of strings is wanted");
    }
    if (auto applied = apply_value(configuration, key, value, where); !applied) return applied;
  }
  return {};
}

}  // namespace

const std::vector<ConfigurationKey>& configuration_keys() {
  using C = Configuration;
  static const std::vector<ConfigurationKey> keys = {
      text("listen", &C::listen, "address of the API, HOST:PORT"),
      text("data", &C::data, "directory of the database and other state"),
      text("network", &C::network, "whatsapp, sandbox, or the ws:// or wss:// chat URL of another network"),
      text("network_root", &C::network_root, "Noise root key of another network, 64 hex digits"),
      text("network_ca", &C::network_ca, "PEM file with extra trust for another network"),
      flag("network_resume_handshake", &C::network_resume_handshake, "resume connections by Noise IK"),
      flag("sandbox.enabled", &C::sandbox, "run the simulated network inside the daemon"),
      text("sandbox.listen", &C::sandbox_listen, "chat endpoint of the simulated network, HOST:PORT, port 0 picks one"),
      text("sandbox.secure_listen", &C::sandbox_secure_listen, "the same over TLS"),
      number("sandbox.seed", &C::sandbox_seed, "seed of the simulated network's keys, 0 = a random one", 0, UINT64_MAX),
      flag("sandbox.persist", &C::sandbox_persist, "keep the simulated network's state in the data directory"),
      text("log.level", &C::log_level, "trace, debug, info, warn, error", {"trace", "debug", "info", "warn", "error"}),
      text("log.format", &C::log_format, "text or json", {"text", "json"}),
      number("log.held_ms", &C::log_held_ms, "warn when one thing held up everything else so long, 0 = never", 0,
             60'000),
      text("auth.mode", &C::auth_mode, "open (loopback listeners only)", {"open"}),
      list("server.hosts", &C::server_hosts,
           "host names of this server beside localhost and the listen address, as a list", net::parse_host,
           "a host name or address"),
      list("cors.origins", &C::cors_origins, "web pages that may use the API, https://app.example.org, as a list",
           net::parse_origin, "an origin of the form https://app.example.org"),
      text("api.dialect", &C::api_dialect, "openwa or gateway", {"openwa", "gateway"}),
      number("api.max_body_bytes", &C::api_max_body_bytes, "largest request body", 1'024, 1u << 30),
      number("api.max_connections", &C::api_max_connections, "open API connections, WebSockets included", 1, 100'000),
      number("api.max_websockets", &C::api_max_websockets, "WebSockets among these", 1, 100'000),
      number("limits.sessions", &C::limits_sessions, "sessions in this process", 1, 1'000'000),
      number("limits.session_creations_per_minute", &C::limits_session_creations_per_minute, "0 = off", 0, 1'000'000),
      number("limits.messages_per_minute", &C::limits_messages_per_minute, "per session, 0 = off", 0, 1'000'000),
      number("limits.requests_per_minute", &C::limits_requests_per_minute, "per caller, 0 = off", 0, 100'000'000),
      number("limits.queued_messages", &C::limits_queued_messages, "unsent messages per session", 1, 10'000'000),
      number("queue.max_late_seconds", &C::queue_max_late_seconds,
             "after sendAt a message that names no expiresAt is not sent any more; 0 = however late", 0, 31'622'400),
      number("limits.reconnects_per_second", &C::limits_reconnects_per_second, "connection attempts of all sessions", 1,
             100'000),
      number("limits.events_kept", &C::limits_events_kept, "newest events kept for replay", 1'000, 1'000'000'000),
      text("storage.synchronous", &C::storage_synchronous, "off, normal or full", {"off", "normal", "full"}),
      flag("webhooks.allow_private", &C::webhooks_allow_private, "allow loopback and private webhook targets"),
      number("webhooks.concurrency", &C::webhooks_concurrency, "webhook requests under way", 1, 10'000),
      text("media.directory", &C::media_directory, "directory of media files (encrypted), default media below data"),
      number("media.max_file_bytes", &C::media_max_file_bytes, "largest file sent or fetched", 1'024, 1ull << 40),
      number("media.spool_bytes", &C::media_spool_bytes, "files waiting for their upload, together", 1u << 20,
             1ull << 50),
      number("media.cache_bytes", &C::media_cache_bytes, "files kept for reading again, the oldest use goes first", 0,
             1ull << 50),
      number("media.keep_days", &C::media_keep_days,
             "days after its last use that a file kept so goes, 0 = only for want of room", 0, 36'500),
      text("media.folder", &C::media_folder,
           "directory for the files of messages in plain, readable by whoever can read it; empty keeps none"),
      number("media.folder_max_bytes", &C::media_folder_max_bytes,
             "bytes of that folder, the oldest month goes first, 0 = no bound", 0, 1ull << 50),
      number("media.folder_keep_days", &C::media_folder_keep_days,
             "days that a file stays in that folder, 0 = as long as there is room", 0, 36'500),
      flag("media.deduplicate", &C::media_deduplicate,
           "upload a file once and announce it again for 14 days, in each session"),
      number("media.transfers", &C::media_transfers, "uploads at one time, and downloads", 1, 1'000),
      flag("media.allow_private", &C::media_allow_private,
           "allow loopback and private addresses as url of a file, and in texts with linkPreview"),
      text("media.ffmpeg", &C::media_ffmpeg, "path of ffmpeg for conversions, empty looks in PATH, off for none"),
      number("media.preview_seconds", &C::media_preview_seconds,
             "how long a text waits for its linkPreview, 0 = none is fetched", 0, 25),
      text("client.version", &C::client_version, "WhatsApp Web version to announce, 2.3000.N"),
      text("client.os", &C::client_os, "name shown in the phone's list of linked devices"),
  };
  return keys;
}

std::string environment_name(const std::string& key) {
  std::string name = "WHARF_";
  for (const char c : key) {
    name.push_back(c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return name;
}

Result<void> apply_value(Configuration& configuration, const std::string& key, const std::string& value,
                         const std::string& origin) {
  const ConfigurationKey* known = find_key(key);
  if (known == nullptr) return bad(origin + ": unknown key '" + key + "'");
  if (const auto set = known->set(configuration, value); !set)
    return bad(origin + ": " + key + ": " + set.error().detail);
  return {};
}

Result<void> apply_file(Configuration& configuration, const std::string& path) {
  if (std::error_code unknown; std::filesystem::is_directory(path, unknown)) return bad(path + ": is a directory");
  try {
    return apply_table(configuration, toml::parse_file(path), "", path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << path << ":" << error.source().begin.line << ": " << error.description();
    return bad(where.str());
  }
}

Result<void> apply_environment(Configuration& configuration, const std::function<const char*(const char*)>& get) {
  for (const auto& key : configuration_keys()) {
    const std::string name = environment_name(key.name);
    if (const char* value = get(name.c_str())) {
      if (auto applied = apply_value(configuration, key.name, value, name); !applied) return applied;
    }
  }
  return {};
}

namespace {

/// Through links, as far as it exists.
std::filesystem::path place(const std::string& path) {
  std::error_code unknown;
  const auto absolute = std::filesystem::absolute(path, unknown);
  auto whole = std::filesystem::weakly_canonical(absolute, unknown);
  if (unknown) whole = absolute.lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

/// It is that place, or lies anywhere below it.
bool is_within(const std::filesystem::path& path, const std::filesystem::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// A directory in it has the name of a session, and is deleted with the session.
Result<void> validate_folder(const Configuration& c) {
  if (c.media_folder.empty()) return {};
  const auto folder = place(c.media_folder);
  for (const std::string& taken : {c.data, c.media_directory.empty() ? c.data + "/media" : c.media_directory}) {
    const auto other = place(taken);
    if (!is_within(folder, other) && !is_within(other, folder)) continue;
    return bad("media.folder: " + c.media_folder + " is, contains or lies in " + taken +
               ", where Wharf keeps its own files: name a directory apart from it");
  }
  return {};
}

}  // namespace

Result<void> validate(const Configuration& c) {
  for (const auto& [key, value] : {std::pair{"listen", c.listen}, std::pair{"sandbox.listen", c.sandbox_listen},
                                   std::pair{"sandbox.secure_listen", c.sandbox_secure_listen}}) {
    const auto parsed = net::parse_host_port(value);
    if (!parsed) return bad(std::string(key) + ": " + parsed.error());
    if (c.auth_mode == "open" && !net::is_loopback_host(parsed->host)) {
      return bad(std::string(key) + ": " + value +
                 " is not a loopback address, and auth.mode is open: anybody who reaches it could use every session. "
                 "Listen on 127.0.0.1 behind a reverse proxy that authenticates");
    }
  }
  if (auto folder = validate_folder(c); !folder) return folder;
  if (c.sandbox && c.network != "whatsapp" && c.network != "sandbox") {
    return bad("network: cannot be combined with sandbox.enabled");
  }
  if (c.network == "sandbox" && !c.sandbox) return bad("network: sandbox needs sandbox.enabled (--sandbox)");
  if (c.network != "whatsapp" && c.network != "sandbox") {
    const auto url = net::parse_url(c.network);
    if (!url || (url->scheme != "ws" && url->scheme != "wss")) return bad("network: not a ws:// or wss:// URL");
    // It stands in what `check` prints and in what a failed connection tells: no place for a password.
    if (!url->userinfo.empty()) return bad("network: a user name or password in the URL is not supported");
    const auto root = protocol::from_hex(c.network_root);
    if (!root || root->size() != 32) return bad("network_root: 64 hex digits are wanted with a network URL");
  } else if (!c.network_root.empty() || !c.network_ca.empty()) {
    return bad("network_root, network_ca: only with a network URL");
  }
  if (!c.client_version.empty()) {
    unsigned a = 0, b = 0, n = 0;
    char rest = 0;
    if (std::sscanf(c.client_version.c_str(), "%u.%u.%u%c", &a, &b, &n, &rest) != 3) {
      return bad("client.version: of the form 2.3000.1045649367");
    }
  }
  return {};
}

}  // namespace wharf::daemon
