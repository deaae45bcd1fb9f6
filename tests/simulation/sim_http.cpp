#include "tests/simulation/sim_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wharf::simulation {

using net::BodyPiece;
using net::OutgoingFailure;
using std::chrono::milliseconds;
using Kind = OutgoingFailure::Kind;

namespace {

constexpr std::size_t most_at_once = 64u << 10;

}  // namespace

/// One request. The connections of what is no longer asked are gone: everything that is still on its way finds nobody.
class SimHttp::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(SimHttp& client, std::uint64_t number, net::OutgoingRequest request,
           std::function<void(net::OutgoingResult)> done)
      : client_(client),
        number_(number),
        request_(std::move(request)),
        done_(std::move(done)),
        watch_(client.around_.client.new_alarm()) {}

  void begin() {
    auto& around = client_.around_;
    const auto roll = around.random.below(100);
    const HttpFaults& faults = around.faults;
    cuts_ = around.random.below(100) < faults.cut;
    around.trace.note("http", fmt::format("{} {} begins", number_, request_.method));
    if (around.on_request) around.on_request(request_.method, request_.url.target);
    watch(request_.timeout);
    if (roll < faults.refused) return later(&Exchange::refuse);
    if (roll < faults.refused + faults.hanging) return;
    later(&Exchange::arrive);
  }
  /// What takes a body may be what cancels: it ends in an entry of its own.
  void cancel() {
    done_ = nullptr;
    watch_->cancel();
    if (receiver_) client_.around_.client.post([gone = std::move(receiver_)] {});
    if (uploaded_) client_.around_.network.post([gone = std::move(uploaded_)] {});
  }

 private:
  bool over() const { return !done_; }

  template <class Then>
  auto still(Then then) {
    return [weak = weak_from_this(), then = std::move(then)](auto&&... arguments) {
      const auto self = weak.lock();
      if (self && !self->over()) then(std::forward<decltype(arguments)>(arguments)...);
    };
  }
  void later(void (Exchange::*step)()) {
    client_.around_.client.after(Micros(1'000 + client_.around_.random.below(40'000)),
                                 still([this, step] { (this->*step)(); }));
  }

  // --- time

  /// Something has to happen within this time.
  void watch(milliseconds patience) {
    watch_->after(patience, still([this] { fail(Kind::timeout, "nothing came"); }));
  }
  void moved() { watch(request_.progress_timeout); }

  // --- ends

  void end(net::OutgoingResult result) {
    const auto self = shared_from_this();
    const auto done = std::exchange(done_, nullptr);
    cancel();
    client_.exchanges_.erase(number_);
    done(std::move(result));
  }
  void fail(Kind kind, const std::string& why) {
    client_.around_.trace.note("http", fmt::format("{} fails: {}", number_, why));
    end(OutgoingFailure{kind, why});
  }
  void refuse() { fail(Kind::connect, "refused"); }
  void break_off() { fail(Kind::protocol, "the connection was reset"); }
  /// Of a body that flows: now and then behind its first piece, or before it.
  bool breaks_here() { return cuts_ && client_.around_.random.below(2) == 0; }

  // --- the request

  void arrive() {
    head_.method = request_.method;
    head_.target = request_.url.target;
    for (const auto& [name, value] : request_.headers) {
      std::string lower = name;
      std::transform(lower.begin(), lower.end(), lower.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      head_.headers.emplace_back(std::move(lower), value);
    }
    head_.headers.emplace_back("host", request_.url.authority());
    if (request_.method == "POST") {
      const std::uint64_t bytes = request_.body_source ? request_.body_bytes : request_.body.size();
      head_.headers.emplace_back("content-length", std::to_string(bytes));
      uploaded_ = client_.around_.host.receive(head_);
    }
    if (!request_.body_source) return hand_over();
    next_of_body();
  }
  void next_of_body() {
    moved();
    request_.body_source(still([this](BodyPiece piece) {
      if (piece.end == BodyPiece::End::broken) return fail(Kind::broken_body, "the body cannot be made");
      give_to_host(std::make_shared<BodyPiece>(std::move(piece)), 0);
    }));
  }
  void give_to_host(const std::shared_ptr<BodyPiece>& piece, std::size_t at) {
    moved();
    if (breaks_here()) return break_off();
    if (at == piece->bytes.size()) {
      sent_ += at;
      if (piece->end == BodyPiece::End::more) return later(&Exchange::next_of_body);
      if (sent_ != request_.body_bytes) return fail(Kind::broken_body, "the body has another length");
      return later(&Exchange::hand_over);
    }
    const std::size_t count = std::min(most_at_once, piece->bytes.size() - at);
    const auto next = still([this, piece, at, count] {
      if (uploaded_ && uploaded_->gives_up()) return break_off();
      give_to_host(piece, at + count);
    });
    const auto step = [this, next] {
      client_.around_.client.after(Micros(500 + client_.around_.random.below(5'000)), next);
    };
    if (!uploaded_) return step();
    uploaded_->take(piece->bytes.substr(at, count), still(step));
  }
  void hand_over() {
    watch(request_.timeout);
    struct Sink final : net::Responder::Sink {
      explicit Sink(std::function<void(net::HttpResponse)> a) : answer(std::move(a)) {}
      std::function<void(net::HttpResponse)> answer;
      void respond(net::HttpResponse response) override { answer(std::move(response)); }
      void upgrade(net::WebSocketUpgrade) override { answer(net::HttpResponse(426, {}, {})); }
      bool peer_gone() const override { return false; }
    };
    head_.body = request_.body;
    head_.received = std::move(uploaded_);
    auto sink = std::make_shared<Sink>(still([this](net::HttpResponse response) {
      answer_ = std::move(response);
      later(&Exchange::on_head);
    }));
    client_.around_.host.handle(std::move(head_), net::Responder(std::move(sink)));
  }

  // --- the answer

  void on_head() {
    if (answer_.status == 0) return break_off();
    client_.around_.trace.note("http", fmt::format("{} is answered {}", number_, answer_.status));
    response_.status = answer_.status;
    for (const auto& [name, value] : answer_.headers) {
      if (name == "Retry-After") response_.headers.emplace_back("retry-after", value);
      if (name == "Location") response_.headers.emplace_back("location", value);
    }
    source_ = answer_.more;
    if (request_.receive_body) receiver_ = request_.receive_body(response_);
    const auto whole = std::make_shared<BodyPiece>();
    whole->bytes = std::move(answer_.body);
    whole->end = source_ ? BodyPiece::End::more : BodyPiece::End::last;
    give_to_client(whole, 0);
  }
  void next_of_answer() {
    moved();
    source_(still([this](BodyPiece piece) {
      if (piece.end == BodyPiece::End::broken) return break_off();
      give_to_client(std::make_shared<BodyPiece>(std::move(piece)), 0);
    }));
  }
  void give_to_client(const std::shared_ptr<BodyPiece>& piece, std::size_t at) {
    moved();
    if (receiver_ && breaks_here()) return break_off();
    if (at == piece->bytes.size()) {
      if (piece->end == BodyPiece::End::more) return later(&Exchange::next_of_answer);
      response_.received = std::move(receiver_);
      const auto& told = client_.around_.on_uploaded;
      if (request_.body_source && response_.status == 200 && told) told();
      return end(std::move(response_));
    }
    const std::size_t count = std::min(most_at_once, piece->bytes.size() - at);
    came_ += count;
    if (!receiver_) {
      if (response_.body.size() < request_.max_response_bytes) response_.body += piece->bytes.substr(at, count);
      return give_to_client(piece, at + count);
    }
    if (came_ > request_.max_streamed_bytes) return fail(Kind::too_large, "the answer is too large");
    const auto next = still([this, piece, at, count] { give_to_client(piece, at + count); });
    receiver_->take(piece->bytes.substr(at, count), still([this, next] {
                      client_.around_.client.after(Micros(500 + client_.around_.random.below(5'000)), next);
                    }));
  }

  SimHttp& client_;
  std::uint64_t number_;
  net::OutgoingRequest request_;
  std::function<void(net::OutgoingResult)> done_;
  std::shared_ptr<net::Alarm> watch_;
  net::HttpRequest head_;
  std::shared_ptr<net::BodyReceiver> uploaded_;  // of the host
  net::HttpResponse answer_;
  net::OutgoingResponse response_;
  net::BodySource source_;                       // of the answer
  std::shared_ptr<net::BodyReceiver> receiver_;  // of the client
  std::uint64_t sent_ = 0, came_ = 0;
  bool cuts_ = false;
};

SimHttp::~SimHttp() {
  for (const auto& [number, exchange] : exchanges_) exchange->cancel();
}

std::shared_ptr<SimHttp::Exchange> SimHttp::begin(net::OutgoingRequest request,
                                                  std::function<void(net::OutgoingResult)> done) {
  const std::uint64_t number = ++last_;
  auto exchange = std::make_shared<Exchange>(*this, number, std::move(request), std::move(done));
  exchanges_.emplace(number, exchange);
  exchange->begin();
  return exchange;
}

void SimHttp::send(net::OutgoingRequest request, std::function<void(net::OutgoingResult)> done) {
  (void)begin(std::move(request), std::move(done));
}

net::OutgoingHandle SimHttp::start(net::OutgoingRequest request, std::function<void(net::OutgoingResult)> done) {
  const auto exchange = begin(std::move(request), std::move(done));
  const std::uint64_t number = last_;
  return net::OutgoingHandle([this, weak = std::weak_ptr(exchange), number] {
    const auto asked = weak.lock();
    if (!asked) return;
    asked->cancel();
    exchanges_.erase(number);
  });
}

}  // namespace wharf::simulation
