#pragma once
// <call>: signalling of calls that a gateway reports and may refuse, never carries. Specification 05 sections 6.4 and
// 7, 06 section 16.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

/// What every payload says. JIDs as they came, texts displayable. The server vouches for `chat` alone: the rest is what
/// whoever sent it says.
struct CallHead {
  std::string call_id;
  Jid chat;     // from: the peer, or the group
  Jid creator;  // who called
  std::optional<Jid> creator_pn;
  std::optional<Jid> group;
  std::optional<std::uint64_t> at;  // t, unix seconds; more than a day ahead counts as now
  bool offline = false;             // from the queue: it is over
  friend bool operator==(const CallHead&, const CallHead&) = default;
};

struct CallOffered {
  CallHead call;
  bool video = false, is_group = false;
  bool notice_only = false;       // offer_notice: it exists, this device is not rung
  std::string platform, version;  // of the caller's app, "" = not said
  friend bool operator==(const CallOffered&, const CallOffered&) = default;
};
struct CallAccepted {  // by the peer, or on another device of ours when `chat` is the own account
  CallHead call;
  friend bool operator==(const CallAccepted&, const CallAccepted&) = default;
};
struct CallRejected {
  CallHead call;
  std::string reason;        // "" = not said
  bool device_only = false;  // one device is busy: not the final answer
  friend bool operator==(const CallRejected&, const CallRejected&) = default;
};
struct CallEnded {
  enum class Outcome : std::uint8_t {
    missed_if_not_answered,  // missed when no accept was seen
    answered_on_other_device,
    rejected_on_other_device,
  };
  CallHead call;
  std::string reason;  // timeout, accepted_elsewhere, rejected_elsewhere, group_call_ended, …; "" = not said
  Outcome outcome = Outcome::missed_if_not_answered;
  friend bool operator==(const CallEnded&, const CallEnded&) = default;
};
/// No payload, several, one without call-id or call-creator, or one that is not known: never rejected.
struct UnknownCall {
  Jid from;
  std::optional<std::string> payload;  // the first tag
  friend bool operator==(const UnknownCall&, const UnknownCall&) = default;
};
using CallEvent = std::variant<CallOffered, CallAccepted, CallRejected, CallEnded, UnknownCall>;

/// nullopt for media signalling, and for a stanza without id or from.
std::optional<CallEvent> read_call(const Node& call, std::uint64_t unix_seconds);

/// The web client's answer: a receipt for offer, accept, reject and enc_rekey, an ack with the payload's tag as type
/// for the rest; an ack without type when there is no payload, with the first tag when there are several. `own_lid` and
/// `own_pn` are the device's; without an own LID a LID peer gets the ack. nullopt without id or from: log and drop.
std::optional<Node> call_answer(const Node& call, const Jid& own_pn, const Jid& own_lid);

// --- refusing

inline constexpr std::uint64_t ringing_seconds = 45;
/// Not what lies in the past (offline, or older than 45 s), and not a call that does not ring here.
bool may_reject(const CallOffered& offer, std::uint64_t unix_seconds);
/// `own` is optional on the wire. The server acks within 10 s or not at all (05 section 7).
Node call_reject(std::string_view id, const CallHead& call, const std::optional<Jid>& own);

// --- links

enum class CallMedia : std::uint8_t { audio, video };
/// To be sent as it is, with its id; answered by an ack. `start` is that of a planned call, in unix seconds.
Node call_link_request(std::string_view id, CallMedia media, std::optional<std::uint64_t> start = std::nullopt);
struct CallLink {
  CallMedia media = CallMedia::audio;
  std::string token;  // letters, digits, - and _
  std::string url() const;
  friend bool operator==(const CallLink&, const CallLink&) = default;
};
/// `asked` is used when the answer does not repeat it. Errors: refused (an error code), malformed.
Result<CallLink> read_call_link(const Node& ack, CallMedia asked);

// --- the network's side

/// `call` with one payload of this event; UnknownCall gives its tag alone. `id` is the stanza's.
Node call_stanza(std::string_view id, const CallEvent& event);
struct CallLinkRequest {
  CallMedia media = CallMedia::audio;
  std::optional<std::uint64_t> start;
};
std::optional<CallLinkRequest> read_call_link_request(const Node& call);
Node call_link_ack(const Node& request, const CallLink& link);
/// The reject of a client: which call, and of whom.
struct CallReject {
  std::string call_id;
  Jid creator;
};
std::optional<CallReject> read_call_reject(const Node& call);

}  // namespace wharf::protocol
