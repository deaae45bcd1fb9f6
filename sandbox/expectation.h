#pragma once
// What a step `expect` waits for, and what a phone's messages say to that.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sandbox/phone.h"

namespace wharf::sandbox {

/// What a scenario has seen of a phone: what came before it began is none of its business, and each message that came
/// is expected once.
struct SeenMessages {
  using Key = std::pair<std::string, std::string>;  // author, id
  std::optional<Key> last_before;                   // the newest one when the scenario began
  std::set<Key> expected;
};

class Expectation {
 public:
  /// `wanted`: validated, without references.
  explicit Expectation(const boost::json::object& wanted);

  /// The message that meets it, the eldest of several; nullptr when none does (yet).
  const PhoneMessage* find(const Phone& phone, const SeenMessages& seen) const;
  /// What came instead, newest last, at most 5.
  boost::json::array instead(const Phone& phone, const SeenMessages& seen) const;

  std::int64_t within_ms() const { return within_ms_; }
  /// That none comes.
  bool absent() const { return absent_; }
  /// It is about one message, which may be met again and again.
  bool named() const { return id_.has_value(); }

 private:
  bool meets(const Phone& phone, const PhoneMessage& message) const;
  bool concerns(const PhoneMessage& message) const;
  std::optional<std::string> text_, contains_, kind_, from_, chat_, target_, quoted_, id_, status_, by_;
  std::int64_t within_ms_;
  bool absent_;
};

}  // namespace wharf::sandbox
