#include "sessions/turn.h"

#include <utility>

namespace wharf::sessions {

void fail_answers(std::vector<Effect>& effects, const protocol::Error& why) {
  for (Effect& effect : effects) {
    if (auto* answer = std::get_if<Answer>(&effect)) {
      answer->deliver(&why);
    } else if (auto* view = std::get_if<AnswerWithView>(&effect)) {
      std::move(view->reply)(why);
    }
  }
}

}  // namespace wharf::sessions
