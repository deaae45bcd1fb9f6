#pragma once
// A group operation that failed as a whole: the server's error, named by what was asked. What happened to single
// members is no failure (protocol/groups/outcomes.h). Specification 05 sections 1, 2.2, 2.5, 2.6, 2.7 and 17.

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/binary/node.h"

namespace wharf::protocol::groups {

/// What was asked, as far as errors differ by it.
enum class Operation : std::uint8_t {
  list,      // of the account's groups
  metadata,  // query
  create,
  leave,
  change,  // members and settings of one group
  description,
  picture,
  invite_code,  // get and reset
  preview,      // of a link or an invitation
  join,         // by a link or an invitation
  community,    // link, unlink, sub-groups
};

enum class Failure : std::uint8_t {
  // of any operation, by code
  not_modified,         // 304
  bad_request,          // 400
  not_authorised,       // 401
  forbidden,            // 403
  not_found,            // 404
  not_allowed,          // 405
  not_acceptable,       // 406
  timed_out,            // 408
  conflict,             // 409
  gone,                 // 410
  precondition_failed,  // 412
  parent_suspended,     // 416
  limit_reached,        // 419
  stale_addressing,     // 421
  locked,               // 423
  rate_limited,         // 429
  growth_locked,        // 436
  server_error,         // 500
  unavailable,          // 503
  partial_error,        // 530
  failed,               // any other
  bad_response,         // the result lacks what it must have; code 0
  // where an operation gives a code its own meaning
  not_in_group,
  not_admin,
  group_not_found,
  stale_description,  // `prev` is not the current one: fetch the metadata and try once more
  bad_image,
  already_member,
  already_member_or_conflict,
  removed_by_admin,
  link_invalid,
  link_revoked,
  group_full,
  community_full,
};
std::string_view name(Failure failure);

/// The code stays beside the name: most names are what the codes mean by experience, not by any document.
struct GroupFailure {
  Failure failure = Failure::failed;
  unsigned code = 0;  // 0: no error of the server
  std::string text;   // the server's, one displayable line
  std::uint64_t backoff_seconds = 0;

  /// 408, 429, 500, 503: the same request may succeed later.
  bool retryable() const;
  /// As a general error, for those who do not tell group operations apart.
  Error error() const;
  friend bool operator==(const GroupFailure&, const GroupFailure&) = default;
};

/// Called by value() on a failure: a broken invariant of the caller.
[[noreturn]] void throw_exception_from_error(const GroupFailure& failure, const boost::source_location&);

template <class T = void>
using GroupResult = boost::system::result<T, GroupFailure>;

GroupFailure bad_response(std::string_view what);
Failure failure_of(Operation operation, unsigned code);

/// The failure in an answer: its error, or bad_response when it is no `result` either. Success otherwise.
GroupResult<> succeeded(Operation operation, const Node& answer);

}  // namespace wharf::protocol::groups
