#include "tests/simulation/memory_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wharf::simulation {

class MemorySocket final : public net::WebSocket {
 public:
  MemorySocket(std::shared_ptr<MemoryLink> link, Side side) : link_(std::move(link)), side_(side) {}
  ~MemorySocket() override { abort(); }
  MemorySocket(const MemorySocket&) = delete;
  MemorySocket& operator=(const MemorySocket&) = delete;

  void start(Callbacks callbacks) override { keep()->start(side_, std::move(callbacks)); }
  void send(net::MessageType type, std::vector<std::uint8_t> payload) override {
    keep()->send(side_, {type, std::move(payload), std::nullopt});
  }
  std::size_t queued_bytes() const override { return link_->queued_bytes(side_); }
  void when_drained(std::function<void()> callback) override { keep()->when_drained(side_, std::move(callback)); }
  void pause(bool paused) override {
    const auto link = keep();
    link->end(side_).paused = paused;
    if (!paused) link->read(side_);
  }
  void close(std::uint16_t code, std::string_view) override {
    const auto link = keep();
    if (link->end(side_).over) return;
    link->note(side_, "closes");
    link->travel(other(side_), {{}, {}, fmt::format("closed by peer {}", code)}, Micros(0));
    link->finish(side_);
  }
  void abort() override {
    const auto link = keep();
    if (link->end(side_).over) return;
    link->note(side_, "aborts");
    link->travel(other(side_), {{}, {}, "read: connection reset"}, Micros(0));
    link->finish(side_);
  }
  std::string remote_address() const override { return "203.0.113.1"; }

 private:
  // Each call holds the link: a callback may destroy this socket.
  std::shared_ptr<MemoryLink> keep() const { return link_; }
  std::shared_ptr<MemoryLink> link_;
  Side side_;
};

MemoryLink::MemoryLink(World world, std::uint64_t number, Latency latency)
    : world_(world), number_(number), latency_(latency) {
  end(Side::client).scheduler = &world.client;
  end(Side::server).scheduler = &world.server;
}

std::shared_ptr<net::WebSocket> MemoryLink::socket(Side side) {
  return std::make_shared<MemorySocket>(shared_from_this(), side);
}

void MemoryLink::note(Side side, std::string_view what) {
  world_.trace.note("link", fmt::format("{} {} {}", number_, side == Side::client ? "client" : "server", what));
}

void MemoryLink::start(Side side, net::WebSocket::Callbacks callbacks) {
  if (end(side).over) return;
  end(side).callbacks = std::make_shared<net::WebSocket::Callbacks>(std::move(callbacks));
  // Never inside the call: the owner may not be ready for a message yet.
  if (end(side).scheduler) end(side).scheduler->post([self = shared_from_this(), side] { self->read(side); });
}

void MemoryLink::send(Side from, Message message) {
  if (end(from).over) return;
  world_.trace.note(
      "frame",
      fmt::format("{} {} {} bytes {:016x}", number_, from == Side::client ? "->" : "<-", message.payload.size(),
                  digest({reinterpret_cast<const char*>(message.payload.data()), message.payload.size()})));
  end(other(from)).under_way += message.payload.size();
  travel(other(from), std::move(message), held_until_);
}

void MemoryLink::travel(Side to, Message message, Micros not_before) {
  End& target = end(to);
  if (silent_ || target.over || target.scheduler == nullptr) return;
  const auto jitter = static_cast<std::uint32_t>(std::max<std::int64_t>(latency_.jitter.count(), 1));
  const Micros now = target.scheduler->now();
  // What is sent at once leaves in one segment and arrives at once, unless the segment is full just then.
  const bool same_segment = now == target.last_sent && world_.random.below(8) != 0;
  const Micros latency = same_segment ? Micros(0) : latency_.base + Micros(world_.random.below(jitter));
  const Micros arrival = std::max({now + latency, target.last_arrival, not_before});
  target.last_sent = now;
  target.last_arrival = arrival;
  target.scheduler->after(
      arrival - now, [self = shared_from_this(), to, era = era_, held = std::make_shared<Message>(std::move(message))] {
        if (self->era_ == era && !self->silent_) self->arrive(to, std::move(*held));
      });
}

void MemoryLink::arrive(Side to, Message message) {
  if (end(to).over) return;
  end(to).inbox.push_back(std::move(message));
  read(to);
}

void MemoryLink::read(Side side) {
  End& reader = end(side);
  const auto self = shared_from_this();
  while (reader.callbacks && !reader.paused && !reader.over && !reader.inbox.empty()) {
    Message message = std::move(reader.inbox.front());
    reader.inbox.pop_front();
    const auto callbacks = reader.callbacks;  // a callback may close this end
    if (message.end) {
      note(side, *message.end);
      finish(side);
      if (callbacks->closed) callbacks->closed(*message.end);
      return;
    }
    reader.under_way -= std::min(reader.under_way, message.payload.size());
    if (callbacks->message) callbacks->message(message.type, message.payload);
    if (reader.drained && queued_bytes(other(side)) == 0) std::exchange(reader.drained, nullptr)();
  }
}

void MemoryLink::finish(Side side) {
  End& gone = end(side);
  gone.over = true;
  const auto callbacks = std::exchange(gone.callbacks, nullptr);
  const auto inbox = std::exchange(gone.inbox, {});
}

std::size_t MemoryLink::queued_bytes(Side from) {
  const std::size_t bytes = end(other(from)).under_way;
  return bytes > kernel_bytes ? bytes - kernel_bytes : 0;
}

void MemoryLink::when_drained(Side from, std::function<void()> callback) {
  if (queued_bytes(from) == 0) return callback();
  end(other(from)).drained = std::move(callback);
}

// --- faults

void MemoryLink::reset(std::string_view why) {
  if (!open() || silent_) return;
  world_.trace.note("link", fmt::format("{} {}", number_, why));
  ++era_;
  for (const Side side : {Side::client, Side::server}) {
    end(side).inbox.clear();
    travel(side, {{}, {}, "read: connection reset"}, Micros(0));
  }
}

void MemoryLink::stall(Micros duration) { held_until_ = std::max(held_until_, world_.server.now() + duration); }

void MemoryLink::client_died(bool in_flight_is_lost) {
  End& client = end(Side::client);
  client.scheduler = nullptr;
  if (client.over) return;
  note(Side::client, in_flight_is_lost ? "died, what it sent last is lost" : "died");
  if (in_flight_is_lost) ++era_;
  travel(Side::server, {{}, {}, "read: connection reset"}, Micros(0));
  finish(Side::client);
}

}  // namespace wharf::simulation
