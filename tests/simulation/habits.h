#pragma once
// What the users of a simulated world are in the habit of doing, drawn from the seed alone: with and without faults a
// seed has the same habits.

#include <string>

namespace wharf::simulation {

class World;

struct Habits {
  bool queueing = false;  // messages are scheduled, expire, are urgent, and are withdrawn while they wait
  bool several = false;   // requests for several messages
  bool tidying = false;   // messages are deleted here, and get stars
  bool unasked = false;   // every second session fetches images and videos by itself
  bool timing = false;    // chats get disappearing timers, from both sides
  bool grouping = false;  // there are groups, people come and go, and say something there
  bool planning = false;  // events are made, answered, moved and called off
};
/// Each from a stream of its own part; once, before anything else is drawn from these.
Habits draw_habits(World& world);
/// "queueing several"
std::string names(const Habits& habits);

}  // namespace wharf::simulation
