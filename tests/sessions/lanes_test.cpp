#include "sessions/lanes.h"

#include <catch2/catch.hpp>

#include <random>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;
using storage::Priority;

namespace {

const Jid ann("1", "s.whatsapp.net"), ben("2", "s.whatsapp.net"), carl("3", "s.whatsapp.net");

/// Takes what has its turn until nothing has.
std::vector<std::int64_t> rows_in_turn(Lanes& lanes) {
  std::vector<std::int64_t> rows;
  while (const auto turn = lanes.next()) {
    rows.push_back(turn->row);
    lanes.remove(turn->chat, turn->row);
  }
  return rows;
}

}  // namespace

TEST_CASE("of equal lanes the one goes first that waited longest, and a lane that is empty is gone") {
  Lanes lanes;
  lanes.add(carl, 1, {});
  lanes.add(ann, 2, {});
  lanes.add(carl, 3, {});
  lanes.add(ben, 4, {});
  CHECK(rows_in_turn(lanes) == std::vector<std::int64_t>{1, 2, 3, 4});
  CHECK(lanes.size() == 0);
}

TEST_CASE("an urgent message goes before the others, and takes along what stands before it in its chat") {
  Lanes lanes;
  lanes.add(ann, 1, {Priority::low});
  lanes.add(ben, 2, {Priority::normal});
  lanes.add(carl, 3, {Priority::low});
  lanes.add(carl, 4, {Priority::high});
  lanes.add(carl, 5, {Priority::low});
  CHECK(rows_in_turn(lanes) == std::vector<std::int64_t>{3, 4, 2, 1, 5});
}

TEST_CASE("a lane that prepares, waits for a file or for a later moment has no turn and holds up nobody") {
  Lanes lanes;
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  lanes.add(ann, 1, {Priority::normal, false});
  lanes.add(ann, 2, {});
  lanes.add(ben, 3, {});
  lanes.add(carl, 4, {});
  lanes.begin_preparing(ben);
  lanes.delay(carl, now + 1s);
  CHECK_FALSE(lanes.next());
  CHECK(lanes.due() == now + 1s);
  lanes.make_ready(ann, 1);
  CHECK(lanes.next()->row == 1);
  lanes.end_preparing(ben);
  lanes.on_due(now + 1s);
  CHECK(rows_in_turn(lanes) == std::vector<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("a lane that prepares stays when it is emptied, until it has prepared") {
  Lanes lanes;
  lanes.add(ann, 1, {});
  lanes.begin_preparing(ann);
  CHECK(lanes.take_all(ann) == std::vector<std::int64_t>{1});
  CHECK(lanes.preparing(ann));
  REQUIRE(lanes.failures(ann) != nullptr);
  lanes.end_preparing(ann);
  CHECK_FALSE(lanes.contains(ann));
  CHECK(lanes.failures(ann) == nullptr);
}

TEST_CASE("a lane that was delayed and is emptied has no time left") {
  Lanes lanes;
  lanes.add(ann, 1, {});
  lanes.delay(ann, net::SteadyTime{} + 1h);
  lanes.remove(ann, 1);
  CHECK_FALSE(lanes.due());
  lanes.add(ann, 2, {});
  CHECK(lanes.next()->row == 2);
}

TEST_CASE("a renamed lane stands in order among what waits under the new name") {
  Lanes lanes;
  lanes.add(ann, 1, {});
  lanes.add(ben, 2, {});
  lanes.add(ann, 3, {Priority::high});
  lanes.add(ben, 4, {});
  CHECK(lanes.rename(ann, ben) == std::vector<std::int64_t>{1, 3});
  CHECK_FALSE(lanes.contains(ann));
  CHECK(rows_in_turn(lanes) == std::vector<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("whatever happens to lanes, next() is what a search through all of them finds") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same walk each time
  struct Model {
    std::map<std::int64_t, Lanes::Waiting> waiting;
    bool preparing = false;
  };
  std::map<Jid, Model> model;
  Lanes lanes;
  const std::vector<Jid> chats{ann, ben, carl};
  std::int64_t last = 0;
  for (int step = 0; step < 20'000; ++step) {
    const Jid& chat = chats[random() % chats.size()];
    Model& lane = model[chat];
    const auto some = [&] { return std::next(lane.waiting.begin(), static_cast<int>(random() % lane.waiting.size())); };
    switch (random() % 5) {
      case 0: {
        const Lanes::Waiting waiting{static_cast<Priority>(random() % 3), random() % 4 != 0};
        lanes.add(chat, ++last, waiting);
        lane.waiting[last] = waiting;
        break;
      }
      case 1:
        if (lane.waiting.empty()) break;
        if (const auto row = some(); true) {
          lanes.remove(chat, row->first);
          lane.waiting.erase(row);
        }
        break;
      case 2:
        if (lane.waiting.empty()) break;
        if (const auto row = some(); true) {
          lanes.make_ready(chat, row->first);
          row->second.ready = true;
        }
        break;
      case 3:
        if (lane.waiting.empty()) break;
        lanes.begin_preparing(chat);
        lane.preparing = true;
        break;
      default: lanes.end_preparing(chat); lane.preparing = false;
    }
    std::optional<std::pair<int, std::int64_t>> best;
    for (const auto& [name, each] : model) {
      if (each.waiting.empty() || each.preparing || !each.waiting.begin()->second.ready) continue;
      int urgency = 0;
      for (const auto& [row, waiting] : each.waiting) urgency = std::max(urgency, static_cast<int>(waiting.priority));
      const std::pair<int, std::int64_t> place(-urgency, each.waiting.begin()->first);
      if (!best || place < *best) best = place;
    }
    const auto next = lanes.next();
    REQUIRE(next.has_value() == best.has_value());
    if (next) REQUIRE(next->row == best->second);
  }
}
