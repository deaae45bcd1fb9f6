// Puts the simulated network together: listeners, Noise identity, clock, server, phones, control API, state file.

#include "sandbox/sandbox.h"

#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <utility>

#include "net/web_guard.h"
#include "net/worker_pool.h"
#include "protocol/noise/certificate.h"
#include "sandbox/clock.h"
#include "sandbox/committer.h"
#include "sandbox/connection.h"
#include "sandbox/control_api.h"
#include "sandbox/media/media_host.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"
#include "web/envelope.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::size_t max_chat_connections = 20'000;
constexpr std::size_t max_request_body_bytes = 64u << 10;  // of what is no upload
constexpr std::uint64_t day_seconds = 86'400;
constexpr std::string_view tls_row = "tls", ports_row = "ports";

/// Root, intermediate and server static key come from the seed alone, so that a client can know the root in advance.
/// What differs between two runs (refs, ephemerals, the phones' keys) must not: a restarted sandbox that drew the same
/// bytes again would use message keys twice.
struct Keys {
  protocol::CertificateAuthority authority, foreign;
  NoiseIdentity noise;
};

Keys make_keys(std::uint64_t seed, std::uint64_t now_seconds) {
  protocol::SeededRandom random(seed);
  Keys keys;
  keys.authority.root = protocol::KeyPair::generate(random);
  keys.authority.intermediate = protocol::KeyPair::generate(random);
  keys.noise.server_static = protocol::KeyPair::generate(random);
  keys.foreign.root = protocol::KeyPair::generate(random);
  keys.foreign.intermediate = protocol::KeyPair::generate(random);
  const protocol::CertificateWindow window{now_seconds - day_seconds, now_seconds + 3650 * day_seconds};
  keys.noise.chain = protocol::issue_certificate_chain(keys.authority, keys.noise.server_static.pub, window, random);
  keys.noise.foreign_chain =
      protocol::issue_certificate_chain(keys.foreign, keys.noise.server_static.pub, window, random);
  return keys;
}

}  // namespace

struct Sandbox::State {
  State(net::asio::io_context& io, SandboxSettings s, protocol::Random& random)
      : loop(io),
        settings(std::move(s)),
        scheduler(io),
        clock(scheduler),
        keys(make_keys(settings.seed, static_cast<std::uint64_t>(clock.unix_ms() / 1000))),
        network(network_settings(settings), clock, random),
        workers(io.get_executor(), 1),
        file_workers(io.get_executor(), 2),
        files(media_settings(settings), clock, random, file_workers, network.changes()),
        media(std::make_shared<MediaHost>(
            MediaHost::Ports{files, clock, [this](std::string_view auth) { return network.check_media_auth(auth); },
                             [this](std::string_view path) { return network.media(path); },
                             [this](std::function<void()> effect) { hold(std::move(effect)); }})),
        phones(network),
        control(
            network, phones, addresses, [this](std::function<void()> effect) { hold(std::move(effect)); },
            media.get()) {
    phones.set_worker([this](std::function<void()> work, std::function<void()> done) {
      workers.run(std::move(work), std::move(done));
    });
    phones.set_media_host(media);
    if (settings.auto_create_phones) {
      network.on_unknown_number = [this](const std::string& phone) { (void)phones.create(phone, "+" + phone); };
    }
  }

  static Network::Settings network_settings(const SandboxSettings& settings) {
    Network::Settings out;
    out.max_stanza_log = settings.wire_log_entries;
    return out;
  }

  static MediaSettings media_settings(const SandboxSettings& settings) {
    MediaSettings out;
    if (!settings.state_file.empty()) out.directory = settings.state_file + ".media";
    return out;
  }

  net::asio::io_context& loop;
  SandboxSettings settings;
  SandboxAddresses addresses;
  net::LoopScheduler scheduler;
  LoopClock clock;
  Keys keys;
  Network network;
  net::WorkerPool workers;
  net::WorkerPool file_workers;  // not behind the phones' key work
  MediaStore files;
  std::shared_ptr<MediaHost> media;  // requests under way hold it weakly
  Phones phones;
  ControlApi control;
  std::unique_ptr<net::HttpServer> plain, secure, control_server;
  std::map<Connection*, std::shared_ptr<Connection>> connections;
  std::unique_ptr<Committer> committer;  // from start() to stop() of a network with a state file
  bool stopped = false;
  net::TlsIdentity tls;  // kept: clients trust its CA over restarts
  std::uint16_t last_port = 0, last_secure_port = 0;

  boost::system::result<void, std::string> load();
  std::optional<Bytes> row(const RowKey& key) const;
  boost::system::result<void, std::string> restore(const RowKey& key, ByteView value);
  void hold(std::function<void()> effect) {
    if (committer) return committer->after_commit(std::move(effect));
    effect();
  }
};

namespace {

/// The chat listener's doors: /ws/chat, where `accept` gets the socket of an upgrade, and the media host.
void handle_chat(MediaHost& media, net::HttpRequest request, net::Responder responder,
                 std::function<void(std::shared_ptr<net::WebSocket>)> accept) {
  const std::string_view target = request.target;
  if (target.substr(0, target.find('?')) != "/ws/chat") return media.handle(std::move(request), std::move(responder));
  if (!request.websocket_upgrade)
    return responder.send(net::HttpResponse(400, "text/plain", "a WebSocket upgrade is expected\n"));
  responder.accept_websocket(std::move(accept));
}

std::string origin_of(std::string_view scheme, const net::HostPort& listen, std::uint16_t port) {
  const bool v6 = listen.host.find(':') != std::string::npos;
  return std::string(scheme) + "://" + (v6 ? "[" + listen.host + "]" : listen.host) + ":" + std::to_string(port);
}

/// The same listener under another name that its certificate has: the media host to fall back to. "" without one.
std::string other_name(const net::HostPort& listen, std::uint16_t port) {
  const bool numeric = listen.host == "127.0.0.1" || listen.host == "::1";
  if (!numeric && listen.host != "localhost") return "";
  return (numeric ? "localhost:" : "127.0.0.1:") + std::to_string(port);
}

}  // namespace

std::optional<Bytes> Sandbox::State::row(const RowKey& key) const {
  if (is_of_phones(key.kind)) return phones.row(key);
  if (key.kind == RowKind::media) return files.row(key);
  if (key.kind == RowKind::server && key.name == tls_row) {
    return protocol::to_bytes(json::serialize(
        json::object{{"ca", tls.ca_pem}, {"certificate", tls.certificate_pem}, {"key", tls.private_key_pem}}));
  }
  if (key.kind == RowKind::server && key.name == ports_row) {
    return protocol::to_bytes(row_number(last_port, 2) + row_number(last_secure_port, 2));
  }
  return network.row(key);
}

boost::system::result<void, std::string> Sandbox::State::restore(const RowKey& key, ByteView value) {
  protocol::Result<void> restored;
  if (key.kind == RowKind::server && key.name == tls_row) {
    boost::system::error_code failed;
    const auto saved = json::parse(protocol::as_text(value), failed);
    const auto* object = failed ? nullptr : saved.if_object();
    const auto member = [object](std::string_view name) {
      const auto* text = object ? object->if_contains(name) : nullptr;
      return text && text->is_string() ? std::string(text->get_string()) : std::string();
    };
    tls = {member("ca"), member("certificate"), member("key")};
  } else if (key.kind == RowKind::server && key.name == ports_row && value.size() == 4) {
    last_port = static_cast<std::uint16_t>(protocol::from_big_endian(value.first(2)));
    last_secure_port = static_cast<std::uint16_t>(protocol::from_big_endian(value.subspan(2)));
  } else if (key.kind == RowKind::media) {
    restored = files.restore(key, value);
  } else {
    restored = is_of_phones(key.kind) ? phones.restore(key, value) : network.restore(key, value);
  }
  if (!restored) return restored.error().detail;
  return {};
}

boost::system::result<void, std::string> Sandbox::State::load() {
  if (settings.state_file.empty()) return {};
  auto file = StateFile::open(settings.state_file);
  if (!file) return file.error().detail;
  std::string damage;
  const auto read = (*file)->read([&](const RowKey& key, ByteView value) {
    if (auto restored = restore(key, value); !restored) damage = restored.error();
    return damage.empty();
  });
  if (!read) return read.error().detail;
  if (!damage.empty()) return settings.state_file + ": " + damage;
  committer = std::make_unique<Committer>(
      scheduler, std::make_unique<net::WorkerPool>(loop.get_executor(), 1), std::move(*file),
      [this] { return network.changes().take([this](const RowKey& key) { return row(key); }); });
  network.changes().on_first = [this] { committer->changed(); };
  network.restored();
  // Before the phones: what they go on uploading would be taken for the rest of an upload that was never finished.
  if (auto agreed = files.restored(); !agreed) return agreed.error().detail;
  phones.restored();
  return {};
}

Sandbox::Sandbox(net::asio::io_context& loop, SandboxSettings settings, protocol::Random& random)
    : state_(std::make_shared<State>(loop, std::move(settings), random)) {}

Sandbox::~Sandbox() { stop(); }

boost::system::result<SandboxAddresses, std::string> Sandbox::start() {
  // Spelled out: an aggregate counts as constructible from a string in C++20, so the error does not convert by itself.
  using Started = boost::system::result<SandboxAddresses, std::string>;
  const auto failed = [](std::string why) { return Started(boost::system::in_place_error, std::move(why)); };
  auto& state = *state_;
  if (auto restored = state.load(); !restored) return failed(restored.error());

  auto accept = [weak = std::weak_ptr(state_)](std::shared_ptr<net::WebSocket> socket) {
    auto alive = weak.lock();
    if (!alive || alive->stopped) return;
    auto connection = std::make_shared<Connection>(
        alive->network, alive->keys.noise, std::move(socket), alive->scheduler,
        [weak](std::function<void()> effect) {
          if (auto owner = weak.lock()) owner->hold(std::move(effect));
        },
        [weak](Connection& ended) {
          if (auto owner = weak.lock()) owner->connections.erase(&ended);
        });
    alive->connections.emplace(connection.get(), connection);
    connection->start();
  };
  auto chat = [accept, weak = std::weak_ptr(state_)](net::HttpRequest request, net::Responder responder) {
    if (auto alive = weak.lock()) handle_chat(*alive->media, std::move(request), std::move(responder), accept);
  };

  net::HttpServerSettings plain;
  plain.listen = state.settings.chat_listen;
  plain.max_connections = max_chat_connections;
  plain.max_body_bytes = max_request_body_bytes;
  plain.max_streamed_bytes = state.files.settings().max_file_bytes;
  plain.receive_body = [weak = std::weak_ptr(state_->media)](const net::HttpRequest& head) {
    const auto alive = weak.lock();
    return alive ? alive->receive(head) : nullptr;
  };
  auto secure = plain;
  secure.listen = state.settings.secure_listen;
  if (state.tls.private_key_pem.empty()) state.tls = net::make_loopback_identity();
  const auto& tls = state.tls;
  secure.certificate_pem = tls.certificate_pem;
  secure.private_key_pem = tls.private_key_pem;

  // A port that was picked stays as long as nobody else has it: clients keep the URL.
  const auto serve = [&](net::HttpServerSettings settings, std::uint16_t last,
                         std::unique_ptr<net::HttpServer>& server) {
    const bool picked = settings.listen.port == 0;
    if (picked) settings.listen.port = last;
    server = std::make_unique<net::HttpServer>(state.loop, settings, chat);
    auto port = server->start();
    if (port || !picked || last == 0) return port;
    settings.listen.port = 0;
    server = std::make_unique<net::HttpServer>(state.loop, settings, chat);
    return server->start();
  };
  const auto plain_port = serve(plain, state.last_port, state.plain);
  if (!plain_port) return failed(plain_port.error());
  const auto secure_port = serve(secure, state.last_secure_port, state.secure);
  if (!secure_port) return failed(secure_port.error());
  state.last_port = *plain_port;
  state.last_secure_port = *secure_port;
  for (const auto row : {tls_row, ports_row}) state.network.changes().changed(RowKind::server, {}, std::string(row));

  auto& addresses = state.addresses;
  addresses.web_socket_url = origin_of("ws", plain.listen, *plain_port) + "/ws/chat";
  addresses.secure_web_socket_url = origin_of("wss", secure.listen, *secure_port) + "/ws/chat";
  addresses.noise_root_hex = protocol::to_hex(state.keys.authority.root.pub);
  addresses.ca_pem = tls.ca_pem;
  addresses.media_url = origin_of("https", secure.listen, *secure_port);
  const std::string primary = addresses.media_url.substr(std::string_view("https://").size());
  const std::string fallback = other_name(secure.listen, *secure_port);
  state.media->set_hosts(primary, fallback);
  state.network.set_media_hosts(primary, fallback, state.files.settings().max_file_bytes);

  if (!state.settings.control_listen.empty()) {
    const auto listen = net::parse_host_port(state.settings.control_listen);
    if (!listen) return failed("control listener: " + listen.error());
    net::HttpServerSettings control;
    control.listen = *listen;
    // With serve --sandbox the API's own guard stands before handle_control.
    net::WebGuardSettings pages;
    pages.listen = *listen;
    pages.local_pages = net::LocalPages::welcome;
    const net::WebGuard guard(
        std::move(pages), [](const net::HttpRequest&, unsigned status, const std::string& message) {
          return web::render_error(status, status == 403 ? "FORBIDDEN" : "VALIDATION_ERROR", {message, {}});
        });
    state.control_server = std::make_unique<net::HttpServer>(
        state.loop, control, [&state, guard](net::HttpRequest request, net::Responder responder) {
          auto admitted = guard.admit(request, std::move(responder));
          if (admitted) state.control.handle(std::move(request), std::move(*admitted));
        });
    const auto port = state.control_server->start();
    if (!port) return failed(port.error());
    addresses.control_url = origin_of("http", *listen, *port);
  }
  return addresses;
}

const SandboxAddresses& Sandbox::addresses() const { return state_->addresses; }

void Sandbox::handle_control(net::HttpRequest request, net::Responder responder) {
  state_->control.handle(std::move(request), std::move(responder));
}

void Sandbox::end_scripts() { state_->control.end_scripts(); }

void Sandbox::stop() {
  auto& state = *state_;
  if (std::exchange(state.stopped, true)) return;
  state.control.end_scripts();  // their answers are behind the last commit
  state.network.changes().on_first = nullptr;
  for (auto* server : {state.plain.get(), state.secure.get(), state.control_server.get()}) {
    if (server) server->stop_accepting();
  }
  if (state.committer) state.committer->finish();
  const auto open = std::exchange(state.connections, {});
  for (const auto& [key, connection] : open) connection->close();
}

MediaHost& Sandbox::media() { return *state_->media; }
Network& Sandbox::network() { return state_->network; }
Phones& Sandbox::phones() { return state_->phones; }

}  // namespace wharf::sandbox
