#pragma once
// Configuration: defaults, then a TOML file, then environment variables, then flags. Every key is also an environment
// variable: limits.messages_per_minute is WHARF_LIMITS_MESSAGES_PER_MINUTE.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace wharf::daemon {

using protocol::Result;

struct Configuration {
  std::string listen = "127.0.0.1:8080";
  std::string data = "./data";
  std::string network = "whatsapp";  // whatsapp, sandbox, or a ws:// or wss:// URL
  std::string network_root;          // hex, with a URL
  std::string network_ca;            // PEM file, with a URL
  bool sandbox = false;
  std::string sandbox_listen = "127.0.0.1:0";
  std::string sandbox_secure_listen = "127.0.0.1:0";
  std::uint64_t sandbox_seed = 0;  // 0 = a random one, kept in the data directory
  bool sandbox_persist = true;
  std::string log_level = "info";         // trace, debug, info, warn, error
  std::string log_format = "text";        // text, json
  std::uint64_t log_held_ms = 100;        // an entry that holds the loop so long is a line; 0 = never
  std::string auth_mode = "open";         // open: only while every listener is on loopback
  std::vector<std::string> server_hosts;  // names in Host beside loopback and the listen address
  std::vector<std::string> cors_origins;  // pages that may call
  std::string api_dialect = "openwa";     // openwa, gateway
  std::uint64_t api_max_body_bytes = 16u << 20;
  std::uint64_t api_max_connections = 1024;  // WebSockets included
  std::uint64_t api_max_websockets = 512;
  std::uint64_t limits_sessions = 10'000;
  std::uint64_t limits_session_creations_per_minute = 5;
  std::uint64_t limits_messages_per_minute = 30;
  std::uint64_t limits_requests_per_minute = 100;
  std::uint64_t limits_queued_messages = 10'000;
  std::uint64_t queue_max_late_seconds = 86'400;
  std::uint64_t limits_reconnects_per_second = 100;
  std::uint64_t limits_events_kept = 1'000'000;
  std::string storage_synchronous = "full";  // off, normal, full
  bool webhooks_allow_private = false;
  std::uint64_t webhooks_concurrency = 64;
  std::string media_directory;  // "": media in the data directory
  std::uint64_t media_max_file_bytes = 2ull << 30;
  std::uint64_t media_spool_bytes = 16ull << 30;
  std::uint64_t media_cache_bytes = 1ull << 30;
  std::uint64_t media_keep_days = 0;
  std::string media_folder;  // "": no plain files
  std::uint64_t media_folder_max_bytes = 10ull << 30;
  std::uint64_t media_folder_keep_days = 0;
  bool media_deduplicate = true;
  std::uint64_t media_transfers = 8;  // of each direction, at one time
  bool media_allow_private = false;   // addresses that a file may be fetched from for a caller
  std::string media_ffmpeg;           // "": in PATH; off; a path
  std::uint64_t media_preview_seconds = 5;
  bool network_resume_handshake = true;
  std::string client_version;       // "2.3000.N": what WhatsApp is told; empty = built in
  std::string client_os = "Wharf";  // shown in the phone's list of linked devices
};

/// One key: its name in TOML, what it means, and how text becomes its value.
struct ConfigurationKey {
  std::string name;
  std::string description;
  std::function<Result<void>(Configuration&, const std::string&)> set;
  std::function<std::string(const Configuration&)> show;
};
const std::vector<ConfigurationKey>& configuration_keys();

/// "limits.messages_per_minute" -> "WHARF_LIMITS_MESSAGES_PER_MINUTE".
std::string environment_name(const std::string& key);

/// Errors name the file, line or variable and the key. Unknown keys of the file are errors.
Result<void> apply_file(Configuration& configuration, const std::string& path);
Result<void> apply_environment(Configuration& configuration, const std::function<const char*(const char*)>& get);
Result<void> apply_value(Configuration& configuration, const std::string& key, const std::string& value,
                         const std::string& origin);
/// What only shows when all is known: combinations, addresses, ranges.
Result<void> validate(const Configuration& configuration);

}  // namespace wharf::daemon
