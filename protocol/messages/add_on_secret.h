#pragma once
// Add-ons that only those who have the message may read: votes, answers to events, reactions and edits sealed with a
// key from the secret of the message that they are about. Specification 03 section 10.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "protocol/crypto/random.h"
#include "protocol/messages/body.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// What the key is made for, as the protocol spells it.
namespace add_on {
inline constexpr std::string_view poll_vote = "Poll Vote";
inline constexpr std::string_view event_response = "Event Response";
inline constexpr std::string_view reaction = "Enc Reaction";
inline constexpr std::string_view message_edit = "Message Edit";
inline constexpr std::string_view event_edit = "Event Edit";
}  // namespace add_on

/// Which message an add-on is about and who made it: user JIDs without device, exactly the strings in use (LID or phone
/// number: both of one kind, but for peers that mix them).
struct AddOn {
  std::string_view use;
  std::string target_id;
  Jid target_author, author;
};

struct SealedAddOn {
  Bytes payload, iv;  // with its tag; 12 bytes
};
/// `secret` has 32 bytes (an internal mistake otherwise).
SealedAddOn seal_add_on(const AddOn& about, ByteView secret, ByteView plaintext, Random& random);
/// Errors: malformed (sizes), bad_mac (another secret, or other people than said: try the other pairs of ids).
Result<Bytes> open_add_on(const AddOn& about, ByteView secret, ByteView payload, ByteView iv);

// --- votes

/// What a vote chooses is named by the hash of the option's text.
std::array<std::uint8_t, 32> option_hash(std::string_view option);
/// PollVoteMessage.
Bytes encode_choices(const std::vector<std::string>& options);
/// The options of the poll that a PollVoteMessage chooses, in the poll's order; unknown hashes are ignored and repeated
/// ones count once. nullopt: more than the poll allows, so the vote counts for nothing. Errors: malformed.
Result<std::optional<std::vector<std::string>>> read_choices(ByteView vote, const Poll& poll);

// --- reactions and edits

std::string_view use_of(Sealed::What what);
/// The Message that says in clear what was sealed, about the same target. Errors: malformed (no reaction or edit, or
/// the edit of another message than the one that it is sealed for).
Result<Bytes> in_clear(const Sealed& sealed, ByteView plaintext);
/// What is sealed of a reaction: ReactionMessage without its key.
Bytes encode_sealed_reaction(const Reaction& reaction);

// --- answers to events

struct EventResponse {
  enum class Answer { going = 1, not_going = 2, maybe = 3 };  // as the protocol numbers them
  Answer answer = Answer::going;
  std::uint32_t extra_guests = 0;
  std::int64_t at_ms = 0;  // the clock of who answers
  friend bool operator==(const EventResponse&, const EventResponse&) = default;
};
/// EventResponseMessage.
Bytes encode_event_response(const EventResponse& response);
/// Errors: malformed (also an answer that is none of the three).
Result<EventResponse> read_event_response(ByteView encoded);

}  // namespace wharf::protocol
