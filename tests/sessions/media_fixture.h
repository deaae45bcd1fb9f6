#pragma once
// Transfers between a real vault (a temporary directory, worker threads) and media servers that do what a test says, in
// a time that passes only when the test lets it.

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "net/worker_pool.h"
#include "protocol/media/encrypted_file.h"
#include "sessions/media/media_transfers.h"
#include "tests/support/loop.h"
#include "tests/support/media_files.h"

namespace wharf::test {

/// What is posted runs on the loop; alarms ring in pass() and nowhere else.
class StillTime final : public net::Scheduler {
 public:
  explicit StillTime(net::asio::io_context& loop) : loop_(loop) {}
  std::int64_t unix_ms() const override { return 1'750'000'000'000; }
  net::SteadyTime steady() const override { return alarms_->now; }
  void post(std::function<void()> run) override { loop_.post(std::move(run)); }
  std::shared_ptr<net::Alarm> new_alarm() override { return std::make_shared<StillAlarm>(alarms_); }

  std::size_t armed() const { return alarms_->waiting.size(); }
  /// Until the first alarm.
  std::chrono::milliseconds next() const {
    REQUIRE(armed() > 0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(alarms_->waiting.begin()->first.first - steady());
  }
  void pass(std::chrono::milliseconds span) {
    const auto end = alarms_->now + span;
    auto& waiting = alarms_->waiting;
    while (!waiting.empty() && waiting.begin()->first.first <= end) {
      const auto first = waiting.extract(waiting.begin());
      alarms_->now = first.key().first;
      first.mapped()();
    }
    alarms_->now = end;
  }

 private:
  using Key = std::pair<net::SteadyTime, std::uint64_t>;
  struct Alarms {
    net::SteadyTime now{std::chrono::hours(24)};
    std::map<Key, std::function<void()>> waiting;
    std::uint64_t last = 0;
  };
  class StillAlarm final : public net::Alarm {
   public:
    explicit StillAlarm(std::shared_ptr<Alarms> alarms) : alarms_(std::move(alarms)) {}
    void after(std::chrono::milliseconds delay, std::function<void()> callback) override {
      cancel();
      key_ = Key{alarms_->now + delay, ++alarms_->last};
      alarms_->waiting.emplace(key_, std::move(callback));
    }
    void cancel() override { const auto gone = alarms_->waiting.extract(key_); }

   private:
    std::shared_ptr<Alarms> alarms_;
    Key key_{};
  };

  net::LoopScheduler loop_;
  std::shared_ptr<Alarms> alarms_ = std::make_shared<Alarms>();  // shared with the alarms, which may outlive it
};

/// What a media server does with one request.
struct HostAnswer {
  unsigned status = 200;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<net::OutgoingFailure::Kind> failure = std::nullopt;  // instead, or behind `cut_at` bytes of `body`
  std::size_t cut_at = 0;
  bool early = false;  // when the first piece of the body was asked for and has not come
};

/// Takes what bodies are made of piece by piece, and gives its own in pieces, each when the one before was taken.
class ScriptedHttp final : public net::OutgoingHttp {
 public:
  struct Seen {
    std::string method, host, target, body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::uint64_t body_bytes = 0;
    std::size_t given = 0;  // of the body of the answer
    bool secure = false, streams = false, allow_private = false;
    bool over = false;  // answered or cancelled
  };

  explicit ScriptedHttp(net::Scheduler& scheduler) : scheduler_(scheduler) {}
  void send(net::OutgoingRequest, std::function<void(net::OutgoingResult)>) override { FAIL("nothing to give up"); }
  net::OutgoingHandle start(net::OutgoingRequest request, std::function<void(net::OutgoingResult)> done) override {
    const auto exchange = std::make_shared<Exchange>(scheduler_, std::move(request), std::move(done));
    exchanges_.push_back(exchange);
    if (!answers.empty()) {
      answer(exchanges_.size() - 1, std::move(answers.front()));
      answers.pop_front();
    }
    return net::OutgoingHandle([exchange] { exchange->end(); });
  }

  std::deque<HostAnswer> answers;  // to the next requests; with none left a request waits
  void answer(std::size_t request, HostAnswer how) {
    exchanges_.at(request)->answer = std::move(how);
    scheduler_.post([exchange = exchanges_.at(request)] { exchange->ask(); });
  }
  const Seen& seen(std::size_t request) const { return exchanges_.at(request)->seen; }
  std::size_t requests() const { return exchanges_.size(); }
  std::size_t under_way() const {
    return static_cast<std::size_t>(
        std::count_if(exchanges_.begin(), exchanges_.end(), [](const auto& each) { return !each->seen.over; }));
  }

 private:
  using Kind = net::OutgoingFailure::Kind;
  struct Exchange : std::enable_shared_from_this<Exchange> {
    Exchange(net::Scheduler& s, net::OutgoingRequest r, std::function<void(net::OutgoingResult)> d)
        : scheduler(s), request(std::move(r)), done(std::move(d)) {
      seen.method = request.method;
      seen.host = request.url.host;
      seen.target = request.url.target;
      seen.secure = request.url.secure();
      seen.headers = request.headers;
      seen.body_bytes = request.body_bytes;
      seen.streams = bool(request.body_source);
      seen.allow_private = request.allow_private;
    }
    void end() {
      seen.over = true;
      request = {};
      receiver.reset();
      done = nullptr;
    }
    void finish(net::OutgoingResult result) {
      const auto call = std::exchange(done, nullptr);
      seen.over = true;
      call(std::move(result));
    }
    void fail(Kind kind) {
      finish(net::OutgoingResult(boost::system::in_place_error, net::OutgoingFailure{kind, "it did not work"}));
    }
    void later(void (Exchange::*step)()) {
      scheduler.post([self = shared_from_this(), step] {
        if (!self->seen.over) (self.get()->*step)();
      });
    }

    void ask() {
      if (seen.over) return;
      if (!request.body_source) return respond();
      const auto source = request.body_source;  // the request may end inside the call
      source([weak = weak_from_this()](net::BodyPiece piece) {
        const auto self = weak.lock();
        if (self && !self->seen.over && !self->answer.early) self->take(std::move(piece));
      });
      if (answer.early && !seen.over) respond();
    }
    void take(net::BodyPiece piece) {
      seen.body += piece.bytes;
      const bool last = piece.end == net::BodyPiece::End::last;
      if (piece.end == net::BodyPiece::End::broken || seen.body.size() > request.body_bytes ||
          (last && seen.body.size() != request.body_bytes))
        return fail(Kind::broken_body);
      later(last ? &Exchange::respond : &Exchange::ask);
    }
    void respond() {
      if (answer.failure && answer.cut_at == 0) return fail(*answer.failure);
      response = {answer.status, answer.headers, {}, nullptr};
      if (request.receive_body) receiver = request.receive_body(response);
      if (receiver) return push();
      response.body = answer.body;
      finish(std::move(response));
    }
    void push() {
      const std::size_t end = answer.failure ? answer.cut_at : answer.body.size();
      if (seen.given == end && answer.failure) return fail(*answer.failure);
      if (seen.given == end) {
        response.received = std::move(receiver);
        return finish(std::move(response));
      }
      const std::string piece = answer.body.substr(seen.given, std::min<std::size_t>(10'000, end - seen.given));
      seen.given += piece.size();
      if (seen.given > request.max_streamed_bytes) return fail(Kind::too_large);
      const auto held = receiver;  // the request may end inside the call
      held->take(piece, [self = shared_from_this()] {
        if (!self->seen.over) self->later(&Exchange::push);
      });
    }

    net::Scheduler& scheduler;
    net::OutgoingRequest request;
    std::function<void(net::OutgoingResult)> done;
    Seen seen;
    HostAnswer answer;
    net::OutgoingResponse response;
    std::shared_ptr<net::BodyReceiver> receiver;
  };

  net::Scheduler& scheduler_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
};

/// As long as it lives the workers (one thread) get nothing done.
class HeldWorkers {
 public:
  explicit HeldWorkers(net::Workers& workers) {
    std::promise<void> begun;
    REQUIRE(workers.run(
        [&begun, end = end_.get_future().share()] {
          begun.set_value();
          end.wait();
        },
        [] {}));
    begun.get_future().wait();
  }
  ~HeldWorkers() { end_.set_value(); }
  HeldWorkers(const HeldWorkers&) = delete;
  HeldWorkers& operator=(const HeldWorkers&) = delete;

 private:
  std::promise<void> end_;
};

/// From here on held workers refuse every job.
inline void fill(net::Workers& workers) {
  while (workers.run([] {}, [] {})) {
  }
}

/// To be asked until it is true: the filled workers, held no longer, have nothing to do any more. Room for one is not
/// enough: the job that shows it takes it.
class Emptied {
 public:
  explicit Emptied(net::Workers& workers) : workers_(workers) {}
  bool operator()() {
    if (!taken_) taken_ = workers_.run([] {}, [done = done_] { *done = true; });
    return *done_;
  }

 private:
  net::Workers& workers_;
  bool taken_ = false;
  std::shared_ptr<bool> done_ = std::make_shared<bool>(false);
};

struct TransferRig {
  explicit TransferRig(sessions::TransferSettings settings = {}, std::uint64_t max_file_bytes = 1u << 30)
      : vault(sessions::VaultSettings{directory, 1u << 30, 1u << 30, max_file_bytes}, workers, random),
        transfers(vault, http, time, settings) {
    REQUIRE(vault.open({}).has_value());
  }
  ~TransferRig() { std::filesystem::remove_all(directory); }
  TransferRig(const TransferRig&) = delete;
  TransferRig& operator=(const TransferRig&) = delete;

  template <class Condition>
  void until(Condition condition) {
    REQUIRE(run_until(loop, condition));
  }
  /// Everything that can happen without an answer or time has: the one worker did all before a job of ours.
  void settle() {
    for (int rounds = 0; rounds < 4; ++rounds) {
      bool done = false;
      REQUIRE(workers.run([] {}, [&] { done = true; }));
      until([&] { return done; });
      run_ready(loop);
    }
  }
  /// Runs the loop until it calls back.
  template <class R, class Start>
  R wait(Start start) {
    std::optional<R> out;
    [[maybe_unused]] const auto handle = start([&out](R result) { out.emplace(std::move(result)); });
    until([&] { return out.has_value(); });
    return std::move(*out);
  }

  sessions::SealedMedia put(const protocol::Bytes& plain, protocol::MediaKind kind = protocol::MediaKind::image) {
    const auto writer = vault.write(kind, protocol::Sidecar::none);
    const std::string text(protocol::as_text(plain));
    for (std::size_t at = 0; at < text.size(); at += 1u << 20)
      REQUIRE(wait<protocol::Result<void>>([&](auto done) {
                writer->append(text.substr(at, 1u << 20), std::move(done));
                return 0;
              }).has_value());
    return *wait<protocol::Result<sessions::SealedMedia>>([&](auto done) {
      writer->finish(std::move(done));
      return 0;
    });
  }
  std::string path(const sessions::SealedMedia& sealed) const {
    return directory + "/outgoing/" + protocol::to_hex(sealed.name());
  }
  /// Files that are half here go on a worker.
  bool nothing_half() {
    return run_until(loop, [&] { return std::filesystem::is_empty(directory + "/writing"); });
  }

  std::string directory = (std::filesystem::temp_directory_path() /
                           ("wharf-transfers-" + std::to_string(::getpid()) + "-" + std::to_string(++count)))
                              .string();
  net::asio::io_context loop{1};
  net::WorkerPool workers{loop.get_executor(), 1};
  StillTime time{loop};
  ScriptedHttp http{time};
  protocol::SeededRandom random{7};
  sessions::MediaVault vault;
  sessions::MediaTransfers transfers;
  static inline int count = 0;
};

inline const std::string good_upload =
    R"({"url":"https://mmg.whatsapp.net/v/f?a=1","direct_path":"/v/f?a=1","handle":"h","metadata_url":"m"})";

inline sessions::MediaUpload upload_of(const sessions::SealedMedia& sealed, std::string auth = "sesame/open+") {
  sessions::MediaUpload out;
  out.file = sealed.name();
  out.kind = sealed.kind;
  out.sent_sha256 = sealed.digest.file_enc_sha256;
  out.bytes = protocol::encrypted_length(sealed.digest.file_length);
  out.hosts = {"one.example", "two.example"};
  out.auth = std::move(auth);
  return out;
}

/// "ok", or what a test can be read by.
template <class T>
std::string outcome(const sessions::Transferred<T>& result) {
  if (result) return "ok";
  switch (result.error().why) {
    using Why = sessions::TransferFailure::Why;
    case Why::not_allowed: return "not_allowed";
    case Why::gone: return "gone";
    case Why::temporary: return "temporary";
    case Why::damaged: return "damaged";
    case Why::too_large: return "too_large";
    case Why::refused: return "refused";
    case Why::local: return "local";
  }
  return "?";
}

}  // namespace wharf::test
