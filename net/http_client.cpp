// The pool: which request goes on which connection. Per origin a list of idle connections and a queue of waiting
// requests; over all origins one limit, for which idle connections of others are closed.

#include "net/http_client.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <deque>
#include <list>
#include <map>
#include <unordered_set>
#include <utility>

#include "net/http_client_connection.h"
#include "net/http_message_writer.h"
#include "net/loop_guard.h"

namespace wharf::net {
namespace {

using Kind = OutgoingFailure::Kind;
using JobPointer = std::shared_ptr<ClientJob>;  // shared between the pool and the connection that carries it
using ConnectionPointer = std::shared_ptr<ClientConnection>;  // shared between the pool and its pending waits

OutgoingResult failure(Kind kind, std::string message) {
  OutgoingFailure out;
  out.kind = kind;
  out.message = std::move(message);
  return OutgoingResult(boost::system::in_place_error, std::move(out));
}

}  // namespace

struct HttpClient::State : std::enable_shared_from_this<HttpClient::State> {
  State(asio::io_context& l, const TlsTrust& trust, HttpClientSettings s)
      : loop(l), settings(s), tls(make_client_context(trust.extra_ca_pem)), resolver(l, s.max_names_waiting) {}

  struct Origin {
    std::size_t open = 0;  // connections, busy and idle
    std::list<ConnectionPointer> idle;
    std::deque<JobPointer> waiting;
    bool starved = false;  // stands in the list of that name
  };

  asio::io_context& loop;
  HttpClientSettings settings;
  TlsContext tls;
  Resolver resolver;
  std::map<std::string, Origin> origins;
  std::unordered_set<ConnectionPointer> connections;
  std::deque<std::string> starved;  // origins that wait for the limit over all
  std::size_t waiting = 0;
  bool stopped = false;

  void answer(const JobPointer& job, OutgoingResult result) {
    job->deadline.cancel();
    const auto done = std::exchange(job->done, nullptr);
    // The bookkeeping of the pool is done: what the caller does with the answer is not ours to end.
    if (done && !stopped) guard("HTTP answer", [&] { done(std::move(result)); });
  }

  void post_failure(const JobPointer& job, Kind kind, std::string message) {
    asio::post(loop, [weak = weak_from_this(), job, kind, message = std::move(message)] {
      if (const auto self = weak.lock()) self->answer(job, failure(kind, message));
    });
  }

  JobPointer submit(OutgoingRequest request, std::function<void(OutgoingResult)> done) {
    auto job = std::make_shared<ClientJob>(loop.get_executor(), std::move(request), std::move(done));
    enqueue(job);
    return job;
  }

  void enqueue(const JobPointer& job) {
    const std::string& scheme = job->request.url.scheme;
    if (scheme != "http" && scheme != "https")
      return post_failure(job, Kind::bad_address, "the scheme \"" + scheme + "\" is not http or https");
    job->header = make_request_header(job->request);
    if (job->header.empty()) return post_failure(job, Kind::protocol, "the method or a header field is not valid HTTP");
    if (waiting >= settings.max_waiting) return post_failure(job, Kind::connect, "too many requests are waiting");

    job->fresh_only = bool(job->request.body_source);  // the body cannot be made once more
    job->due = std::chrono::steady_clock::now() + job->request.timeout;
    // A connection made for a trusted private target must not carry a request that may not go there.
    job->origin =
        job->request.url.scheme + "://" + job->request.url.authority() + (job->request.allow_private ? " private" : "");
    job->deadline.after(job->request.timeout, [weak = weak_from_this(), pending = std::weak_ptr<ClientJob>(job)] {
      const auto self = weak.lock();
      const auto late = pending.lock();
      if (self && late) self->expire(late);
    });
    origins[job->origin].waiting.push_back(job);
    ++waiting;
    pump(job->origin);
  }

  void expire(const JobPointer& job) {
    const auto self = shared_from_this();
    withdraw(job);
    answer(job, failure(Kind::timeout, "no answer within " + std::to_string(job->request.timeout.count()) + " ms"));
  }

  void cancel(const JobPointer& job) {
    if (!job->done) return;  // answered
    const auto self = shared_from_this();
    job->done = nullptr;
    job->deadline.cancel();
    withdraw(job);
  }

  /// Takes a request out of the pool, with the connection that carries it.
  void withdraw(const JobPointer& job) {
    if (stopped) return;
    Origin& origin = origins[job->origin];
    const auto queued = std::find(origin.waiting.begin(), origin.waiting.end(), job);
    if (queued != origin.waiting.end()) {
      origin.waiting.erase(queued);
      --waiting;
    } else {
      const auto carrier =
          std::find_if(connections.begin(), connections.end(),
                       [&job](const ConnectionPointer& connection) { return connection->job() == job; });
      if (carrier != connections.end()) discard(*carrier);
    }
    const std::string key = job->origin;
    pump(key);
    pump_starved();
  }

  /// Gives waiting requests of one origin to connections, as far as the limits allow.
  void pump(const std::string& key) {
    const auto at = origins.find(key);
    if (stopped || at == origins.end()) return;
    Origin& origin = at->second;
    while (!origin.waiting.empty()) {
      const bool reuse = !origin.idle.empty() && !origin.waiting.front()->fresh_only;
      if (!reuse && origin.open >= settings.max_connections_per_origin) {
        if (origin.idle.empty()) return;
        discard(ConnectionPointer(origin.idle.front()));  // a job that must not reuse
        continue;
      }
      if (!reuse && connections.size() >= settings.max_connections && !evict_idle()) {
        if (!std::exchange(origin.starved, true)) starved.push_back(key);
        return;
      }
      const JobPointer job = std::move(origin.waiting.front());
      origin.waiting.pop_front();
      --waiting;
      if (reuse) {
        const ConnectionPointer connection = std::move(origin.idle.back());  // the latest: least likely to be stale
        origin.idle.pop_back();
        connection->carry(job);
      } else {
        open(origin, job);
      }
    }
    if (origin.open == 0) origins.erase(at);
  }

  void pump_starved() {
    for (std::size_t rounds = starved.size(); rounds > 0 && !stopped; --rounds) {
      const std::string key = std::move(starved.front());
      starved.pop_front();
      if (const auto at = origins.find(key); at != origins.end()) at->second.starved = false;
      pump(key);
    }
  }

  void open(Origin& origin, const JobPointer& job) {
    ++origin.open;
    ClientConnection::Owner owner;
    owner.finished = [weak = weak_from_this()](const ConnectionPointer& connection, ClientConnection::Outcome outcome) {
      if (const auto self = weak.lock()) self->finished(connection, std::move(outcome));
    };
    owner.lost = [weak = weak_from_this()](const ConnectionPointer& connection) {
      if (const auto self = weak.lock()) {
        self->discard(connection);
        self->pump(connection->origin());
        self->pump_starved();
      }
    };
    auto connection = std::make_shared<ClientConnection>(loop.get_executor(), job->origin, std::move(owner));
    connections.insert(connection);
    connection->open(loop, resolver, tls.get(), job);
  }

  void finished(const ConnectionPointer& connection, ClientConnection::Outcome outcome) {
    const auto self = shared_from_this();
    const JobPointer job = connection->job();
    const std::string key = connection->origin();
    if (outcome.next == ClientConnection::Outcome::Next::reuse && !stopped) {
      connection->rest(settings.idle_timeout);
      origins[key].idle.push_back(connection);
    } else {
      discard(connection);
    }
    if (outcome.next == ClientConnection::Outcome::Next::retry) {
      job->fresh_only = true;
      origins[key].waiting.push_front(job);
      ++waiting;
    }
    pump(key);
    pump_starved();
    if (outcome.result) answer(job, std::move(*outcome.result));
  }

  void discard(ConnectionPointer connection) {
    if (connections.erase(connection) == 0) return;
    Origin& origin = origins[connection->origin()];
    --origin.open;
    origin.idle.remove(connection);
    connection->close();
  }

  bool evict_idle() {
    for (auto& [key, origin] : origins) {
      if (origin.idle.empty()) continue;
      discard(origin.idle.front());
      if (origin.open == 0 && origin.waiting.empty()) origins.erase(key);
      return true;
    }
    return false;
  }

  void stop() {
    stopped = true;
    for (const ConnectionPointer& connection : std::exchange(connections, {})) {
      if (connection->job()) connection->job()->done = nullptr;
      connection->close();
    }
    origins.clear();
  }
};

HttpClient::HttpClient(asio::io_context& loop, TlsTrust trust, HttpClientSettings settings)
    : state_(std::make_shared<State>(loop, trust, settings)) {}

HttpClient::~HttpClient() { state_->stop(); }

void HttpClient::send(OutgoingRequest request, std::function<void(OutgoingResult)> done) {
  state_->submit(std::move(request), std::move(done));
}

OutgoingHandle HttpClient::start(OutgoingRequest request, std::function<void(OutgoingResult)> done) {
  const JobPointer job = state_->submit(std::move(request), std::move(done));
  return OutgoingHandle([weak = std::weak_ptr<State>(state_), pending = std::weak_ptr<ClientJob>(job)] {
    const auto state = weak.lock();
    const auto open = pending.lock();
    if (state && open) state->cancel(open);
  });
}

}  // namespace wharf::net
