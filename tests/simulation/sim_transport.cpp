#include "tests/simulation/sim_transport.h"

#include <utility>

namespace wharf::simulation {

/// A cancelled attempt leaves its entry in the queue; it finds nothing to do.
class SimTransport::Dial final : public net::Transport::Attempt {
 public:
  explicit Dial(std::shared_ptr<bool> wanted) : wanted_(std::move(wanted)) {}
  ~Dial() override { *wanted_ = false; }
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

 private:
  std::shared_ptr<bool> wanted_;
};

SimTransport::SimTransport(MemoryLink::World world, Latency latency, const DialFaults& faults,
                           std::uint64_t& last_number, Accept accept)
    : world_(world), latency_(latency), faults_(faults), last_number_(last_number), accept_(std::move(accept)) {}

std::unique_ptr<net::Transport::Attempt> SimTransport::connect(net::WebSocketRequest request,
                                                               std::function<void(net::WebSocketResult)> done) {
  auto wanted = std::make_shared<bool>(true);
  const unsigned roll = world_.random.below(100);
  std::string failure;
  Micros takes = 2 * latency_.base + Micros(world_.random.below(20'000));
  if (roll < faults_.refused) {
    failure = "connect: connection refused";
  } else if (roll < faults_.refused + faults_.hanging) {
    failure = "connect: timed out";
    takes = request.timeout;
  }
  world_.client.after(takes, [this, wanted, failure, done = std::move(done)] {
    if (!*wanted) return;
    if (failure.empty()) return open(done);
    world_.trace.note("dial", failure);
    net::ConnectFailure why;
    why.message = failure;
    done(net::WebSocketResult(boost::system::in_place_error, std::move(why)));
  });
  return std::make_unique<Dial>(wanted);
}

void SimTransport::open(const std::function<void(net::WebSocketResult)>& done) {
  auto link = std::make_shared<MemoryLink>(world_, ++last_number_, latency_);
  world_.trace.note("dial", "connected: link " + std::to_string(link->number()));
  std::erase_if(links_, [](const auto& known) { return known.expired(); });
  links_.push_back(link);
  if (world_.random.below(100) < faults_.cut_soon) {
    world_.server.after(Micros(world_.random.below(1'000'000)),
                        [link] { link->reset("cut soon after it was opened"); });
  }
  accept_(link->socket(Side::server));
  done(link->socket(Side::client));
}

std::vector<std::shared_ptr<MemoryLink>> SimTransport::links() {
  std::vector<std::shared_ptr<MemoryLink>> open;
  for (const auto& known : links_) {
    if (auto link = known.lock(); link && link->open()) open.push_back(std::move(link));
  }
  return open;
}

void SimTransport::kill(bool in_flight_is_lost) {
  for (const auto& known : links_) {
    if (const auto link = known.lock()) link->client_died(in_flight_is_lost);
  }
}

}  // namespace wharf::simulation
