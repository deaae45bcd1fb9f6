#pragma once
// Which numbers are on WhatsApp: asked in batches, one after another with a pause between them, since who asks for many
// at once is limited by the server. Specification 02 sections 7 and 10.

#include <list>
#include <map>
#include <string>
#include <vector>

#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/people/contact_book.h"
#include "sessions/people/people_commands.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class NumberChecks {
 public:
  NumberChecks(Context& context, Directory& directory, ContactBook& book)
      : c_(context), directory_(directory), book_(book) {}

  void check(CheckNumbers asked, Reply<std::vector<NumberChecked>> reply);
  std::optional<net::SteadyTime> due() const;
  void on_due();
  /// Whoever waits is answered with what was found until then.
  void on_link_down();

 private:
  static constexpr std::size_t batch = 50, most_waiting = 16;
  static constexpr std::chrono::seconds pause{1};
  static constexpr UnixMs lifetime_ms = 24 * 3'600'000;

  struct Check {
    std::vector<NumberChecked> numbers;  // in the order of the request
    std::size_t next = 0;                // from here on nothing was asked
    Reply<std::vector<NumberChecked>> reply;
  };
  /// Found lately.
  std::optional<NumberChecked> known(const std::string& number);
  void go_on();
  void ask_batch(Check& check);
  void on_answer(const std::vector<std::size_t>& places, const Node* answer);
  void take(NumberChecked& number, const protocol::Profile& profile);
  /// The first one is over; with a refusal when it is known why and nothing was found.
  void finish(std::optional<Refusal> why);

  Context& c_;
  Directory& directory_;
  ContactBook& book_;
  std::list<Check> waiting_;  // the first is being asked; a deque would cost an idle session half a KiB
  bool asking_ = false;
  std::optional<net::SteadyTime> next_at_;  // of the next batch
};

}  // namespace wharf::sessions
