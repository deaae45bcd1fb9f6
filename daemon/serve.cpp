#include "daemon/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "api/file_extension.h"
#include "api/server.h"
#include "daemon/logging.h"
#include "daemon/process.h"
#include "daemon/service_notify.h"
#include "daemon/version.h"
#include "net/http_client.h"
#include "net/web_guard.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "sandbox/sandbox.h"
#include "sessions/log_value.h"
#include "sessions/media/media_upkeep.h"
#include "sessions/supervisor.h"
#include "sessions/waits.h"
#include "storage/outbox.h"
#include "storage/sessions.h"
#include "storage/store.h"

namespace wharf::daemon {
namespace {

using std::chrono::milliseconds;

/// One process per data directory: two would use the same ratchets.
class DirectoryLock {
 public:
  static std::optional<DirectoryLock> take(const std::filesystem::path& directory) {
    const int fd = ::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return std::nullopt;
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      return std::nullopt;
    }
    return DirectoryLock(fd);
  }
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

storage::Synchronous synchronous_named(const std::string& name) {
  if (name == "off") return storage::Synchronous::off;
  if (name == "normal") return storage::Synchronous::normal;
  return storage::Synchronous::full;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The sandbox's keys must survive a restart, or every linked session would refuse the network. `path`: where a random
/// seed is kept, "" nowhere.
std::uint64_t sandbox_seed(std::uint64_t wanted, const std::string& path, protocol::Random& random) {
  if (wanted != 0) return wanted;
  const std::string stored = path.empty() ? "" : read_file(path);
  if (!stored.empty()) return std::strtoull(stored.c_str(), nullptr, 10);
  const std::uint64_t seed = (std::uint64_t{random.u32()} << 32 | random.u32()) | 1;
  if (!path.empty()) std::ofstream(path) << seed;
  return seed;
}

api::ApiSettings api_settings(const Configuration& c) {
  api::ApiSettings api;
  api.listen = *net::parse_host_port(c.listen);
  api.hosts = c.server_hosts;
  api.cors_origins = c.cors_origins;
  api.dialect = c.api_dialect == "gateway" ? api::Dialect::gateway : api::Dialect::openwa;
  api.max_body_bytes = c.api_max_body_bytes;
  api.max_connections = c.api_max_connections;
  api.max_websockets = c.api_max_websockets;
  api.max_sessions = c.limits_sessions;
  api.session_creations_per_minute = static_cast<unsigned>(c.limits_session_creations_per_minute);
  api.messages_per_minute = static_cast<unsigned>(c.limits_messages_per_minute);
  api.requests_per_minute = static_cast<unsigned>(c.limits_requests_per_minute);
  api.max_media_bytes = c.media_max_file_bytes;
  api.media_allow_private = c.media_allow_private;
  api.media_ffmpeg = c.media_ffmpeg;
  api.preview_timeout = std::chrono::seconds(c.media_preview_seconds);
  api.webhooks_allow_private = c.webhooks_allow_private;
  api.webhook_concurrency = c.webhooks_concurrency;
  api.version = version();
  return api;
}

sessions::SupervisorSettings supervisor_settings(const Configuration& c) {
  sessions::SupervisorSettings settings;
  settings.max_sessions = c.limits_sessions;
  settings.max_queued_messages = c.limits_queued_messages;
  settings.max_lateness = std::chrono::seconds(c.queue_max_late_seconds);
  settings.reconnects_per_second = static_cast<unsigned>(c.limits_reconnects_per_second);
  settings.resume_handshake = c.network_resume_handshake;
  settings.deduplicate_media = c.media_deduplicate;
  settings.profile.device.os = c.client_os;
  if (!c.client_version.empty()) {
    auto& v = settings.profile.version;
    std::sscanf(c.client_version.c_str(), "%u.%u.%u", &v.primary, &v.secondary, &v.tertiary);
  }
  if (c.network != "whatsapp" && c.network != "sandbox") {
    settings.network.chat_url = c.network;
    settings.network.name = c.network;
    settings.network.noise_root = *protocol::exactly<32>(*protocol::from_hex(c.network_root));
  }
  return settings;
}

std::unique_ptr<sessions::MediaFolder> plain_folder(const Configuration& c, const sessions::MediaFolder::Ports& ports) {
  if (c.media_folder.empty()) return nullptr;
  sessions::FolderSettings settings;
  settings.directory = c.media_folder;
  settings.max_bytes = c.media_folder_max_bytes;
  settings.keep = std::chrono::hours(24 * c.media_folder_keep_days);
  settings.extension = api::file_extension;
  settings.extensions = api::file_extensions();
  return std::make_unique<sessions::MediaFolder>(std::move(settings), ports);
}

/// Files on their way to and from the media servers, with threads and connections of their own: a large one must not
/// keep prekeys or webhooks waiting. The threads stand back behind the loop, which the messages of everybody wait for.
struct Media {
  Media(net::asio::io_context& loop, net::Scheduler& scheduler, protocol::Random& random, storage::Store& store,
        const Configuration& c, const net::TlsTrust& trust, bool simulated)
      : workers(loop.get_executor(), 2, 4096, 10),
        http(loop, trust),
        vault({c.media_directory.empty() ? c.data + "/media" : c.media_directory, c.media_cache_bytes,
               c.media_spool_bytes, c.media_max_file_bytes},
              workers, random),
        transfers(vault, http, scheduler, {c.media_transfers, c.media_transfers, simulated}),
        folder(plain_folder(c, {vault, workers, random, store, scheduler})),
        upkeep(vault, folder.get(), scheduler, {std::chrono::hours(24 * c.media_keep_days)}) {}

  net::WorkerPool workers;
  net::HttpClient http;
  sessions::MediaVault vault;
  sessions::MediaTransfers transfers;
  std::unique_ptr<sessions::MediaFolder> folder;  // nullptr: not wanted
  sessions::MediaUpkeep upkeep;
};

/// What the outbox still has to upload; the rest of what lies there is of requests that never came to an end.
std::set<sessions::MediaName> files_needed(storage::Database& db) {
  std::set<sessions::MediaName> needed;
  for (const protocol::Bytes& name : storage::pending_uploads(db)) {
    if (const auto exact = protocol::exactly<32>(name)) needed.insert(*exact);
  }
  return needed;
}

/// Pets systemd's watchdog when loop and storage both answered, also with "the disk is full": a restart would free
/// nothing and cost every connection.
class Watchdog {
 public:
  Watchdog(net::Scheduler& scheduler, storage::Store& store) : store_(store), timer_(scheduler) {}
  void start() {
    const auto interval = watchdog_interval();
    if (interval.count() == 0) return;
    timer_.after(interval, [this] {
      store_.ping([](bool) { notify_alive(); });
      start();
    });
  }

 private:
  storage::Store& store_;
  net::Timer timer_;
};

void print_welcome(const std::string& listen, const sandbox::SandboxAddresses& network) {
  fmt::print(
      "\nWharf {} is running with an embedded simulated WhatsApp network.\n\n"
      "  Open           http://{}/\n"
      "  First curl     curl -s -X POST http://{}/api/v1/sessions -H 'Content-Type: application/json' "
      "-d '{{\"sessionId\":\"my-bot\",\"waitForQR\":true}}'\n"
      "  Chat endpoint  {}\n\n",
      version(), listen, listen, network.web_socket_url);
  std::fflush(stdout);
}

}  // namespace

int serve(const Configuration& c) {
  prepare_process();
  std::error_code failed;
  std::filesystem::create_directories(c.data, failed);
  if (failed) {
    spdlog::error("data_directory path={} detail={}", c.data, sessions::log_value(failed.message()));
    return 1;
  }
  const auto lock = DirectoryLock::take(c.data);
  if (!lock) {
    const char* why = ::access(c.data.c_str(), W_OK) == 0 ? "in use by another wharfd" : "not writable";
    spdlog::error("data_directory path={} detail=\"{}\"", c.data, why);
    return 1;
  }
  // A connection may write or read a file, a transfer has a file and a socket.
  const auto descriptors = c.limits_sessions + 2 * c.api_max_connections + 4 * c.media_transfers + 64;
  if (descriptor_limit() < descriptors) {
    spdlog::warn("descriptor_limit allowed={} wanted={} detail=\"raise LimitNOFILE or lower limits.sessions\"",
                 descriptor_limit(), descriptors);
  }

  net::asio::io_context loop(1);
  SystemRandom random;
  net::LoopScheduler scheduler(loop);
  storage::Store::Settings store_settings;
  store_settings.path = c.data + "/wharf.sqlite";
  store_settings.synchronous = synchronous_named(c.storage_synchronous);
  store_settings.max_events = static_cast<std::int64_t>(c.limits_events_kept);
  store_settings.post = [&scheduler](std::function<void()> run) { scheduler.post(std::move(run)); };
  store_settings.tell_of_index = [](std::string_view event, std::string_view detail) {
    spdlog::warn("{} detail={}", event, sessions::log_value(detail));
  };
  auto store = storage::Store::open(std::move(store_settings));
  if (!store) {
    spdlog::error("storage_open path={} detail={}", c.data, sessions::log_value(store.error().detail));
    return 1;
  }
  if (const std::string& why = (*store)->renewal(); !why.empty())
    spdlog::warn("ratchets_renewed detail={}", sessions::log_value(why));
  net::WorkerPool workers(loop.get_executor(), 2);

  auto settings = supervisor_settings(c);
  net::TlsTrust trust;
  if (!c.network_ca.empty()) {
    trust.extra_ca_pem = read_file(c.network_ca);
    if (trust.extra_ca_pem.empty()) {
      spdlog::error("network_ca path={} detail=\"cannot be read\"", c.network_ca);
      return 1;
    }
  }
  std::unique_ptr<sandbox::Sandbox> network;
  if (c.sandbox) {
    sandbox::SandboxSettings sandbox_settings;
    sandbox_settings.chat_listen = *net::parse_host_port(c.sandbox_listen);
    sandbox_settings.secure_listen = *net::parse_host_port(c.sandbox_secure_listen);
    sandbox_settings.seed = sandbox_seed(c.sandbox_seed, c.sandbox_persist ? c.data + "/sandbox.seed" : "", random);
    if (c.sandbox_persist) sandbox_settings.state_file = c.data + "/sandbox.state";
    network = std::make_unique<sandbox::Sandbox>(loop, std::move(sandbox_settings), random);
    const auto addresses = network->start();
    if (!addresses) {
      spdlog::error("sandbox_start detail={}", sessions::log_value(addresses.error()));
      return 1;
    }
    settings.network.chat_url = addresses->web_socket_url;
    settings.network.noise_root = *protocol::exactly<32>(*protocol::from_hex(addresses->noise_root_hex));
    settings.network.name = "sandbox";
    trust.extra_ca_pem = addresses->ca_pem;
    spdlog::info("sandbox_listening url={} secure_url={} noise_root={}", addresses->web_socket_url,
                 addresses->secure_web_socket_url, addresses->noise_root_hex);
  }

  Media media(loop, scheduler, random, **store, c, trust, settings.network.name != "whatsapp");
  if (const auto opened = media.vault.open(files_needed((*store)->reader())); !opened) {
    spdlog::error("media_open detail={}", sessions::log_value(opened.error().detail));
    return 1;
  }
  if (media.folder) {
    // Messages go on without their copies, which are counted as failed.
    if (const auto opened = media.folder->open(); !opened)
      spdlog::error("media_folder_open detail={}", sessions::log_value(opened.error().detail));
    media.folder->begin(scheduler.unix_ms());
  }
  media.upkeep.start();
  net::WebSocketClient sockets(loop, trust);
  net::HttpClient http(loop, net::TlsTrust());
  net::HttpClientSettings for_previews;
  for_previews.max_names_waiting = 32;
  net::HttpClient preview_http(loop, net::TlsTrust(), for_previews);
  auto api_options = api_settings(c);
  api_options.network_name = settings.network.name;
  auto supervisor = std::make_unique<sessions::Supervisor>(
      sessions::Supervisor::Ports{scheduler, random, **store, workers, sockets, &media.transfers, media.folder.get()},
      std::move(settings));
  auto waits = std::make_unique<sessions::Waits>(*supervisor, scheduler, **store);
  api::SandboxControl control;
  if (network) {
    control = [&network](net::HttpRequest request, net::Responder responder) {
      network->handle_control(std::move(request), std::move(responder));
    };
  }
  auto server =
      std::make_unique<api::ApiServer>(api::ApiServer::Ports{loop, scheduler, random, **store, workers, *supervisor,
                                                             *waits, http, preview_http, &media.vault, &media.workers},
                                       std::move(api_options), control);
  const auto port = server->start();
  if (!port) {
    spdlog::error("listen detail={}", sessions::log_value(port.error()));
    return 1;
  }
  const std::string listen = fmt::format("{}:{}", net::parse_host_port(c.listen)->host, *port);
  spdlog::info("listening address={} sessions={} version={}", listen, supervisor->count(), version());
  supervisor->start();
  notify_ready("listening on " + listen);
  if (network) print_welcome(listen, network->addresses());
  Watchdog watchdog(scheduler, **store);
  watchdog.start();

  net::Timer deadline(scheduler);
  StopSignals signals(loop, [&] {
    spdlog::info("stopping");
    notify_stopping();
    deadline.after(milliseconds(30'000), [&loop] {
      spdlog::warn("drain_timeout");
      loop.stop();
    });
    if (network) network->end_scripts();  // drain() waits for those who wait for one
    server->drain([&] { supervisor->stop([&loop] { loop.stop(); }); });
  });
  report_holds(std::chrono::milliseconds(c.log_held_ms));
  net::run_loop(loop);

  server.reset();
  waits.reset();
  supervisor.reset();
  if (network) network->stop();
  (*store)->flush();
  store->reset();
  spdlog::info("stopped");
  return 0;
}

int run_sandbox(const SandboxOptions& options) {
  prepare_process();
  net::asio::io_context loop(1);
  SystemRandom random;
  sandbox::SandboxSettings settings;
  const auto chat = net::parse_host_port(options.listen);
  const auto secure = net::parse_host_port(options.secure_listen);
  const auto control = net::parse_host_port(options.control);
  for (const auto& [flag, parsed] :
       {std::pair{"--listen", &chat}, std::pair{"--secure-listen", &secure}, std::pair{"--control", &control}}) {
    if (!*parsed) {
      spdlog::error("{}: {}", flag, parsed->error());
      return 2;
    }
  }
  if (!net::is_loopback_host(control->host)) {
    spdlog::error("--control: {} is not a loopback address: anybody who reaches it could read and write as every phone",
                  options.control);
    return 2;
  }
  settings.chat_listen = *chat;
  settings.secure_listen = *secure;
  settings.control_listen = options.control;
  settings.seed = sandbox_seed(options.seed, options.state_file.empty() ? "" : options.state_file + ".seed", random);
  settings.state_file = options.state_file;
  settings.auto_create_phones = options.auto_create_phones;
  sandbox::Sandbox network(loop, std::move(settings), random);
  const auto started = network.start();
  if (!started) {
    spdlog::error("sandbox_start detail={}", sessions::log_value(started.error()));
    return 1;
  }
  std::string pem;
  for (const char ch : started->ca_pem) pem += ch == '\n' ? std::string("\\n") : std::string(1, ch);
  const std::string json = fmt::format(
      R"({{"webSocketUrl":"{}","secureWebSocketUrl":"{}","noiseRootPublicKey":"{}","mediaUrl":"{}","controlUrl":"{}","caCertificate":"{}"}})",
      started->web_socket_url, started->secure_web_socket_url, started->noise_root_hex, started->media_url,
      started->control_url, pem);
  if (!options.ready_file.empty()) {
    // Appears complete or not at all: readers wait for it.
    std::error_code failed;
    std::ofstream(options.ready_file + ".new") << json << "\n";
    std::filesystem::rename(options.ready_file + ".new", options.ready_file, failed);
    if (failed) {
      spdlog::error("ready_file path={} detail={}", options.ready_file, sessions::log_value(failed.message()));
      return 1;
    }
  }
  fmt::print("{}\n", json);
  std::fflush(stdout);
  notify_ready("listening");
  StopSignals signals(loop, [&loop] { loop.stop(); });
  net::run_loop(loop);
  network.stop();
  return 0;
}

}  // namespace wharf::daemon
