#pragma once
// Expected failures are values. Everything a peer, a user, a disk or a network can cause is an Error;
// exceptions are kept for broken invariants and construction.

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace wharf::protocol {

/// What a program decides on. The groups follow who caused the failure.
enum class Errc {
  none = 0,
  // the bytes of a peer
  truncated,    // ends before its announced length
  malformed,    // violates the format
  too_large,    // over a bound of ours
  unsupported,  // well formed, a kind or version we do not speak
  bad_mac,      // MAC, AEAD tag or padding does not verify
  bad_signature,
  bad_certificate,
  invalid_key,        // wrong length, low order, all-zero agreement
  invalid_key_id,     // names a prekey we do not hold
  no_session,         // no ratchet session for the address
  no_sender_key,      // no sender key for the group message
  duplicate_message,  // the message key was consumed before
  future_message,     // counter jump over the limit
  // state and environment
  not_found,
  conflict,
  not_ready,
  refused,
  forbidden,  // by the rules of the place: the role of who asks does not allow it
  rate_limited,
  timed_out,
  closed,
  network,
  storage,
  storage_full,
  not_implemented,
  internal,
};

struct Error {
  Error() = default;  // boost::system::result 1.81 default-constructs it
  Error(Errc c, std::string d) : code(c), detail(std::move(d)) {}
  Errc code{};
  std::string detail;  // what an operator reads; never secrets, never message text

  friend bool operator==(const Error&, const Error&) = default;
};

/// Called by Result::value() on an error: a broken invariant of the caller.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("unchecked error: " + error.detail);
}

template <class T = void>
using Result = boost::system::result<T, Error>;

/// The short name of a code for logs and events, for example "bad_mac".
const char* name(Errc code);

}  // namespace wharf::protocol
