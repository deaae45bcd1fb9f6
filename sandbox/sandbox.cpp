// Puts the simulated network together: listeners, Noise identity, clock, server, phones, control API, state file.

#include "sandbox/sandbox.h"

#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "net/web_guard.h"
#include "net/worker_pool.h"
#include "protocol/noise/certificate.h"
#include "sandbox/clock.h"
#include "sandbox/connection.h"
#include "sandbox/control_api.h"
#include "sandbox/control_call.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::size_t max_chat_connections = 20'000;
constexpr std::chrono::milliseconds save_delay{200};
constexpr std::uint64_t day_seconds = 86'400;

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
        clock(io),
        keys(make_keys(settings.seed, static_cast<std::uint64_t>(clock.unix_ms() / 1000))),
        network(network_settings(settings), clock, random),
        workers(io.get_executor(), 1),
        phones(network),
        control(network, phones, addresses),
        save_timer(io.get_executor()) {
    phones.set_worker([this](std::function<void()> work, std::function<void()> done) {
      workers.run(std::move(work), std::move(done));
    });
    if (settings.auto_create_phones) {
      network.on_unknown_number = [this](const std::string& phone) { (void)phones.create(phone, "+" + phone); };
    }
  }

  static Network::Settings network_settings(const SandboxSettings& settings) {
    Network::Settings out;
    out.max_stanza_log = settings.wire_log_entries;
    return out;
  }

  net::asio::io_context& loop;
  SandboxSettings settings;
  SandboxAddresses addresses;
  LoopClock clock;
  Keys keys;
  Network network;
  net::WorkerPool workers;
  Phones phones;
  ControlApi control;
  std::unique_ptr<net::HttpServer> plain, secure, control_server;
  std::map<Connection*, std::shared_ptr<Connection>> connections;
  net::Timer save_timer;
  bool save_pending = false;
  bool loaded = false;  // a file that could not be read is never written over
  bool stopped = false;

  boost::system::result<void, std::string> load();
  void save();
  void save_soon();
};

namespace {

/// The chat listener's only door. `accept` gets the socket of an upgrade to /ws/chat.
void handle_chat(const net::HttpRequest& request, net::Responder& responder,
                 std::function<void(std::shared_ptr<net::WebSocket>)> accept) {
  const std::string_view target = request.target;
  if (target.substr(0, target.find('?')) != "/ws/chat") {
    return responder.send(net::HttpResponse(404, "text/plain", "not found\n"));
  }
  if (!request.websocket_upgrade)
    return responder.send(net::HttpResponse(400, "text/plain", "a WebSocket upgrade is expected\n"));
  responder.accept_websocket(std::move(accept));
}

std::string origin_of(std::string_view scheme, const net::HostPort& listen, std::uint16_t port) {
  const bool v6 = listen.host.find(':') != std::string::npos;
  return std::string(scheme) + "://" + (v6 ? "[" + listen.host + "]" : listen.host) + ":" + std::to_string(port);
}

}  // namespace

boost::system::result<void, std::string> Sandbox::State::load() {
  if (settings.state_file.empty() || !std::filesystem::exists(settings.state_file)) return {};
  std::ifstream file(settings.state_file, std::ios::binary);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  boost::system::error_code failed;
  const auto document = json::parse(body, failed);
  const auto* object = failed ? nullptr : document.if_object();
  const auto* server = object ? object->if_contains("network") : nullptr;
  const auto* saved_phones = object ? object->if_contains("phones") : nullptr;
  if (!server || !server->is_string() || !saved_phones || !saved_phones->is_object()) {
    return settings.state_file + ": not a sandbox state file";
  }
  if (auto read = network.load(server->get_string()); !read) return settings.state_file + ": " + read.error().detail;
  for (const auto& [phone, blob] : saved_phones->get_object()) {
    const auto bytes = blob.is_string() ? protocol::from_base64(blob.get_string()) : std::nullopt;
    if (!bytes) return settings.state_file + ": phone " + std::string(phone) + " is damaged";
    if (auto restored = phones.restore(phone, *bytes); !restored) {
      return settings.state_file + ": phone " + std::string(phone) + ": " + restored.error().detail;
    }
  }
  return {};
}

void Sandbox::State::save() {
  if (settings.state_file.empty() || !loaded) return;
  save_pending = false;
  save_timer.cancel();
  json::object saved_phones;
  for (auto* phone : phones.all()) saved_phones[phone->number()] = protocol::to_base64(phone->save());
  const auto body = json::serialize(json::object{{"network", network.save()}, {"phones", std::move(saved_phones)}});
  // Beside the file, then renamed over it: a crash leaves the old state or the new one.
  const auto draft = settings.state_file + ".new";
  {
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file << body;
    file.flush();
    if (!file) return spdlog::error("sandbox: cannot write {}", draft);
  }
  if (std::rename(draft.c_str(), settings.state_file.c_str()) != 0)
    spdlog::error("sandbox: cannot replace {}", settings.state_file);
}

void Sandbox::State::save_soon() {
  if (save_pending || settings.state_file.empty() || stopped) return;
  save_pending = true;
  save_timer.after(save_delay, [this] { save(); });
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
  state.loaded = true;
  state.network.on_change = [&state] { state.save_soon(); };

  auto accept = [weak = std::weak_ptr(state_)](std::shared_ptr<net::WebSocket> socket) {
    auto alive = weak.lock();
    if (!alive || alive->stopped) return;
    auto connection = std::make_shared<Connection>(alive->network, alive->keys.noise, std::move(socket),
                                                   alive->loop.get_executor(), [weak](Connection& ended) {
                                                     if (auto owner = weak.lock()) owner->connections.erase(&ended);
                                                   });
    alive->connections.emplace(connection.get(), connection);
    connection->start();
  };
  auto chat = [accept](net::HttpRequest request, net::Responder responder) { handle_chat(request, responder, accept); };

  net::HttpServerSettings plain;
  plain.listen = state.settings.chat_listen;
  plain.max_connections = max_chat_connections;
  auto secure = plain;
  secure.listen = state.settings.secure_listen;
  const auto tls = net::make_loopback_identity();
  secure.certificate_pem = tls.certificate_pem;
  secure.private_key_pem = tls.private_key_pem;

  state.plain = std::make_unique<net::HttpServer>(state.loop, plain, chat);
  const auto plain_port = state.plain->start();
  if (!plain_port) return failed(plain_port.error());
  state.secure = std::make_unique<net::HttpServer>(state.loop, secure, chat);
  const auto secure_port = state.secure->start();
  if (!secure_port) return failed(secure_port.error());

  auto& addresses = state.addresses;
  addresses.web_socket_url = origin_of("ws", plain.listen, *plain_port) + "/ws/chat";
  addresses.secure_web_socket_url = origin_of("wss", secure.listen, *secure_port) + "/ws/chat";
  addresses.noise_root_hex = protocol::to_hex(state.keys.authority.root.pub);
  addresses.ca_pem = tls.ca_pem;
  addresses.media_url = origin_of("https", secure.listen, *secure_port);
  state.network.set_media_host(addresses.media_url.substr(std::string_view("https://").size()));

  if (!state.settings.control_listen.empty()) {
    const auto listen = net::parse_host_port(state.settings.control_listen);
    if (!listen) return failed("control listener: " + listen.error());
    net::HttpServerSettings control;
    control.listen = *listen;
    // With serve --sandbox the API's own guard stands before handle_control.
    net::WebGuardSettings pages;
    pages.listen = *listen;
    pages.local_pages = net::LocalPages::welcome;
    const net::WebGuard guard(std::move(pages), [](const net::HttpRequest&, unsigned status, const std::string& message) {
      return control_error(status, status == 403 ? "forbidden" : "bad_request", message);
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

void Sandbox::stop() {
  auto& state = *state_;
  if (std::exchange(state.stopped, true)) return;
  state.save();
  for (auto* server : {state.plain.get(), state.secure.get(), state.control_server.get()}) {
    if (server) server->stop_accepting();
  }
  const auto open = std::exchange(state.connections, {});
  for (const auto& [key, connection] : open) connection->close();
}

Network& Sandbox::network() { return state_->network; }
Phones& Sandbox::phones() { return state_->phones; }

}  // namespace wharf::sandbox
