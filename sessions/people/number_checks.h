#pragma once
// Which numbers are on WhatsApp: asked in batches that begin a second apart at least, since who asks for many at once
// is limited by the server. All checks that wait share each batch, so that one number is not behind thousands of
// others, and none waits longer than most clients do. Specification 02 sections 7 and 10, 05 section 14 item 6.

#include <cstdint>
#include <list>
#include <map>
#include <optional>
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
  static constexpr std::chrono::seconds pause{1}, longest_wait{25};
  static constexpr UnixMs lifetime_ms = 24 * 3'600'000;

  struct Check {
    std::vector<NumberChecked> numbers;  // in the order of the request
    std::vector<std::size_t> open;       // the places of those that are asked for
    std::size_t next = 0;                // from here on nothing of `open` was asked
    bool asked = false;                  // in the batch that is under way
    std::uint64_t id = 0;
    net::SteadyTime until{};
    Reply<std::vector<NumberChecked>> reply;
  };
  using Waiting = std::list<Check>;
  /// Who asked for a number of a batch: the check and the place in it.
  struct Asker {
    std::uint64_t check = 0;
    std::size_t place = 0;
  };
  using Batch = std::map<std::string, std::vector<Asker>>;  // by number

  /// Found lately.
  std::optional<NumberChecked> known(const std::string& number);
  void go_on();
  void ask_batch();
  void on_answer(Batch asked, const Node* answer);
  /// `errors`: those that the answer names for all users.
  NumberChecked judge(const std::string& number, const protocol::Profile& profile,
                      std::span<const protocol::ProfileError> errors);
  /// Ends every check that the answer was for: with a refusal where nothing of it was found.
  void finish_asked(const Refusal& why);
  /// Those whose time is over, or will be before anything may be asked again.
  void end_late();
  /// It is over; with a refusal when it is known why and nothing was found. The next one.
  Waiting::iterator finish(Waiting::iterator check, std::optional<Refusal> why);

  Context& c_;
  Directory& directory_;
  ContactBook& book_;
  Waiting waiting_;  // in the order they came, and so of their ends; a deque would cost an idle session half a KiB
  std::uint64_t last_id_ = 0;
  bool asking_ = false;
  std::optional<net::SteadyTime> next_at_;  // of the next batch
};

}  // namespace wharf::sessions
