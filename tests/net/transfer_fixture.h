#pragma once
// Requests whose bodies stream: a client, sources that count what they are asked for, receivers that count what they
// take, and a server of ours on the other side that does both.

#include <openssl/evp.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "tests/net/loopback.h"

namespace wharf::test {

using namespace wharf::net;

inline constexpr std::size_t piece_bytes = 64u << 10;

/// The SHA-256 of what was added.
class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(const std::string& bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string value() {
    std::array<unsigned char, 32> out{};
    EVP_DigestFinal_ex(context_.get(), out.data(), nullptr);
    return std::string(out.begin(), out.end());
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

/// What a source has made. It makes numbered pieces, each when it is asked; or, when it `waits`, when the test gives.
struct Making {
  std::uint64_t bytes = 0;  // made
  std::uint64_t total = 0;
  bool waits = false;
  std::function<void(BodyPiece)> wanted;  // set: asked, and not answered yet
  int asked = 0;
  Digest digest;
  std::function<void()> on_asked;

  BodyPiece next() {
    std::string text = std::to_string(bytes) + ":";
    text.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, total - bytes)), 'm');
    bytes += text.size();
    digest.add(text);
    return {std::move(text), bytes == total ? BodyPiece::End::last : BodyPiece::End::more};
  }
  void give(BodyPiece piece) { std::exchange(wanted, nullptr)(std::move(piece)); }
};
inline BodySource source_of(const std::shared_ptr<Making>& making) {
  return [making](std::function<void(BodyPiece)> done) {
    ++making->asked;
    if (making->on_asked) making->on_asked();
    if (!making->waits) return done(making->next());
    making->wanted = std::move(done);
  };
}

/// What a receiver has taken; with `waits` the test says when a piece is done with.
struct Taking {
  std::uint64_t bytes = 0;
  std::size_t largest = 0;
  int pieces = 0;
  bool waits = false;
  std::function<void()> taken;  // of the piece that is being worked on
  std::string text;             // of the first MiB
  Digest digest;
  std::function<void()> on_piece, behind_taken;
};
class Taker final : public BodyReceiver {
 public:
  explicit Taker(std::shared_ptr<Taking> taking) : taking_(std::move(taking)) {}
  void take(std::string bytes, std::function<void()> taken) override {
    Taking& t = *taking_;
    t.bytes += bytes.size();
    t.largest = std::max(t.largest, bytes.size());
    ++t.pieces;
    t.digest.add(bytes);
    if (t.text.size() < (1u << 20)) t.text += bytes;
    if (t.on_piece) t.on_piece();
    if (!t.waits) {
      taken();
      if (t.behind_taken) t.behind_taken();
      return;
    }
    t.taken = std::move(taken);
  }

 private:
  std::shared_ptr<Taking> taking_;  // shared with the test
};

/// Bytes of connections to or from `port` that the kernel holds: not acknowledged, or not read.
inline std::uint64_t kernel_bytes(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  std::uint64_t sum = 0;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues;
    fields >> slot >> local >> remote >> state >> queues;
    const auto is_port = [port](const std::string& address) {
      return std::stoul(address.substr(address.find(':') + 1), nullptr, 16) == port;
    };
    if (state != "01" || (!is_port(local) && !is_port(remote))) continue;
    sum += std::stoull(queues.substr(0, 8), nullptr, 16) + std::stoull(queues.substr(9), nullptr, 16);
  }
  return sum;
}

struct Transfer {
  bool done = false;
  OutgoingResponse response;
  std::optional<OutgoingFailure> failure;
  OutgoingHandle handle;
};

struct TransferFixture {
  asio::io_context loop;
  std::unique_ptr<HttpClient> client;
  explicit TransferFixture(HttpClientSettings settings = HttpClientSettings(), const std::string& ca = "")
      : client(std::make_unique<HttpClient>(loop, TlsTrust{ca}, settings)) {}

  static OutgoingRequest to(std::uint16_t port, const std::string& path = "/", const std::string& scheme = "http") {
    OutgoingRequest request;
    request.method = "GET";
    request.url = *parse_url(scheme + "://127.0.0.1:" + std::to_string(port) + path);
    request.allow_private = true;
    request.timeout = std::chrono::milliseconds(60'000);
    request.progress_timeout = std::chrono::milliseconds(60'000);
    return request;
  }
  static OutgoingRequest upload(std::uint16_t port, const std::shared_ptr<Making>& making,
                                const std::string& path = "/", const std::string& scheme = "http") {
    OutgoingRequest request = to(port, path, scheme);
    request.method = "PUT";
    request.body_source = source_of(making);
    request.body_bytes = making->total;
    return request;
  }
  static OutgoingRequest download(std::uint16_t port, const std::shared_ptr<Taking>& taking,
                                  const std::string& path = "/", const std::string& scheme = "http") {
    OutgoingRequest request = to(port, path, scheme);
    request.receive_body = [taking](const OutgoingResponse& head) -> std::unique_ptr<BodyReceiver> {
      if (head.status != 200) return nullptr;
      return std::make_unique<Taker>(taking);
    };
    request.max_streamed_bytes = 1u << 30;
    return request;
  }
  std::shared_ptr<Transfer> start(OutgoingRequest request) {
    auto transfer = std::make_shared<Transfer>();
    transfer->handle = client->start(std::move(request), [weak = std::weak_ptr(transfer)](OutgoingResult result) {
      const auto open = weak.lock();
      REQUIRE(open);  // without its handle a request is over
      CHECK_FALSE(open->done);
      open->done = true;
      if (result) open->response = *result;
      else open->failure = result.error();
    });
    CHECK_FALSE(transfer->done);  // never inside start()
    return transfer;
  }
  std::shared_ptr<Transfer> ask(OutgoingRequest request) {
    const auto transfer = start(std::move(request));
    CHECK(run_until(loop, [&] { return transfer->done; }));
    INFO((transfer->failure ? transfer->failure->message : ""));
    return transfer;
  }
  void run_some() {
    for (int i = 0; i < 200; ++i) run_ready(loop);
  }
  /// Until a deadline of this length has passed on the same loop: one that was set before, and no longer, has been due.
  void run_past_deadlines(std::chrono::milliseconds length) {
    RawServer silent(loop, [](std::shared_ptr<RawEnd>) {});
    OutgoingRequest request = to(silent.port());
    request.timeout = length;
    const auto mark = ask(std::move(request));
    REQUIRE(mark->failure);
    REQUIRE(mark->failure->kind == OutgoingFailure::Kind::timeout);
  }
};

inline const TlsIdentity& transfer_identity() {
  static const TlsIdentity made = make_loopback_identity();
  return made;
}

/// PUT /up is taken by `taking`, GET /down made by `making`, anything else answered at once.
struct TransferServer {
  explicit TransferServer(asio::io_context& loop, const std::string& scheme = "http") {
    HttpServerSettings settings;
    settings.listen = HostPort{"127.0.0.1", 0};
    if (scheme == "https") {
      settings.certificate_pem = transfer_identity().certificate_pem;
      settings.private_key_pem = transfer_identity().private_key_pem;
    }
    settings.max_streamed_bytes = 1u << 30;
    settings.receive_body = [this](const HttpRequest& head) -> std::unique_ptr<BodyReceiver> {
      if (head.target != "/up") return nullptr;
      return std::make_unique<Taker>(taking);
    };
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest request, Responder responder) {
      remotes.push_back(request.remote_address);
      HttpResponse response(200, "text/plain", request.received ? "received" : "fine");
      if (request.target == "/down") {
        response.body.clear();
        response.more = source_of(making);
      }
      responder.send(std::move(response));
    });
    port = *server->start();
  }
  std::shared_ptr<Taking> taking = std::make_shared<Taking>();
  std::shared_ptr<Making> making = std::make_shared<Making>();
  std::vector<std::string> remotes;  // of each request that came whole
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

}  // namespace wharf::test
