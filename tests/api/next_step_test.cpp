// What can be done about a reason, in words for who operates the session.
#include "api/next_step.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using wharf::api::next_step_text;
using wharf::events::NextStep;

TEST_CASE("every next step has a name that leads back to it, and words of its own") {
  std::set<std::string> texts;
  for (int step = 0; step <= static_cast<int>(NextStep::check_disk); ++step) {
    const auto value = static_cast<NextStep>(step);
    INFO(name(value));
    CHECK(wharf::events::next_step_named(name(value)) == value);
    const std::string text = next_step_text(value, "shop");
    CHECK_FALSE(text.empty());
    CHECK(texts.insert(text).second);
    const bool starts = std::string_view(name(value)).ends_with("_start");
    CHECK((text.find("POST /api/v1/sessions/shop/start") != std::string::npos) ==
          (starts || value == NextStep::show_new_codes));
  }
  CHECK(next_step_text(NextStep::correct_proxy_retried, "shop").find("PATCH /api/v1/sessions/shop") !=
        std::string::npos);
}
