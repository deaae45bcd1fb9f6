#include "tests/simulation/habits.h"

#include "tests/simulation/world.h"

namespace wharf::simulation {

Habits draw_habits(World& world) {
  Habits habits;
  habits.queueing = world.queueing.below(2) == 0;
  habits.several = world.queueing.below(2) == 0;
  habits.tidying = world.tidying.below(2) == 0;
  habits.unasked = world.fetching.below(2) == 0;
  habits.timing = world.timing.below(2) == 0;
  habits.planning = world.planning.below(2) == 0;
  habits.grouping = world.grouping.below(2) == 0;
  return habits;
}

std::string names(const Habits& habits) {
  struct Named {
    bool on;
    const char* name;
  };
  const Named all[] = {{habits.queueing, "queueing"}, {habits.several, "several"}, {habits.tidying, "tidying"},
                       {habits.unasked, "unasked"},   {habits.timing, "timing"},   {habits.planning, "planning"},
                       {habits.grouping, "grouping"}};
  std::string told;
  for (const Named& habit : all) {
    if (habit.on) told += (told.empty() ? "" : " ") + std::string(habit.name);
  }
  return told;
}

}  // namespace wharf::simulation
