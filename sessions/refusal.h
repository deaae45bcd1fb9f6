#pragma once
// Why something that was asked was not done: a code, what it is about, and a detail for an operator. Who asked spells
// it in his own words: nothing here knows the names of an API's fields and routes.

#include <cstdint>
#include <string>
#include <utility>

#include "protocol/result.h"

namespace wharf::sessions {

using protocol::Result;

/// What a refusal is about, where the code alone does not tell.
enum class Subject {
  none,
  session,          // not_found; conflict: its name is taken; too_large: there are as many as there may be
  ended,            // not_ready: the session has ended and is to be started first
  connection,       // not_ready: there is none to WhatsApp, over which it would be asked
  chat,             // not_found
  message,          // not_found; unsupported: that cannot be said about it
  quoted_message,   // not_found
  send_at,          // malformed: it is past
  expires_at,       // malformed: it is past
  options,          // unsupported: of a poll, which has others or allows fewer
  extra_guests,     // unsupported: of an event that allows none
  preview,          // unsupported: of what is no text
  message_id,       // conflict: used with other content
  idempotency_key,  // conflict: used with another request
  queue,            // rate_limited: of outgoing messages, full
  media,            // of a message: not_found, malformed, bad_mac, not_ready, network …: its file cannot be had
  group,            // what the server says of a group operation; its code is in the text
  channel,          // what the server says of a channel; its code is in the text where it gave one
  contact,          // what the server says of a person, or of what the account shows; its code is in the text
  change,           // conflict: of what the account's devices have in common, a later one of the same came
  call,             // not_found: it does not ring here; not_implemented: it is one of a group
  phone,            // malformed: WhatsApp does not take the number
};

struct Refusal : protocol::Error {
  Refusal() = default;
  Refusal(protocol::Error error)  // NOLINT(google-explicit-constructor): an error is a refusal about nothing special
      : Error(std::move(error)) {}
  Refusal(protocol::Errc why, Subject about, std::string said) : Error(why, std::move(said)), subject(about) {}
  Subject subject = Subject::none;
  std::int64_t retry_after_s = 0;  // when the same may succeed, as the server said; at most a day; 0: it did not say

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// What was asked for, or why it was refused.
template <class T = void>
using Outcome = boost::system::result<T, Refusal>;

}  // namespace wharf::sessions
