#pragma once
// The skeleton of Message: which fields wrap another Message, which hold a contextInfo, and whether the whole is well
// formed. Specification 03 sections 4.3, 6.3 and 9.

#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// Field numbers of Message that code names.
namespace field_number {
inline constexpr std::uint32_t conversation = 1;
inline constexpr std::uint32_t sender_key_distribution = 2;
inline constexpr std::uint32_t image = 3;
inline constexpr std::uint32_t contact = 4;
inline constexpr std::uint32_t location = 5;
inline constexpr std::uint32_t extended_text = 6;
inline constexpr std::uint32_t document = 7;
inline constexpr std::uint32_t audio = 8;
inline constexpr std::uint32_t video = 9;
inline constexpr std::uint32_t protocol_message = 12;
inline constexpr std::uint32_t contacts_array = 13;
inline constexpr std::uint32_t fast_ratchet_sender_key_distribution = 15;
inline constexpr std::uint32_t live_location = 18;
inline constexpr std::uint32_t sticker = 26;
inline constexpr std::uint32_t group_invite = 28;
inline constexpr std::uint32_t template_button_reply = 29;
inline constexpr std::uint32_t device_sent = 31;
inline constexpr std::uint32_t message_context_info = 35;
inline constexpr std::uint32_t list_response = 39;
inline constexpr std::uint32_t buttons_response = 43;
inline constexpr std::uint32_t reaction = 46;
inline constexpr std::uint32_t interactive_response = 48;
inline constexpr std::uint32_t poll_creation = 49;
inline constexpr std::uint32_t poll_update = 50;
inline constexpr std::uint32_t document_with_caption = 53;
inline constexpr std::uint32_t view_once_v2 = 55;
inline constexpr std::uint32_t enc_reaction = 56;
inline constexpr std::uint32_t edited_message = 58;
inline constexpr std::uint32_t poll_creation_v2 = 60;
inline constexpr std::uint32_t pin_in_chat = 63;
inline constexpr std::uint32_t poll_creation_v3 = 64;
inline constexpr std::uint32_t ptv = 66;
inline constexpr std::uint32_t event = 75;
inline constexpr std::uint32_t enc_event_response = 76;
inline constexpr std::uint32_t secret_encrypted = 82;
inline constexpr std::uint32_t album = 83;
inline constexpr std::uint32_t poll_creation_v5 = 111;
}  // namespace field_number

inline constexpr std::size_t max_message_bytes = 16u << 20;
inline constexpr std::size_t max_message_depth = 64;
inline constexpr std::size_t max_wrappers = 10;

/// Walks every part whose structure we know. Errors: malformed (wire format, nesting over 64), too_large.
Result<void> check_message(ByteView encoded);

/// The number of the contextInfo field inside content field `number`; nullopt for content without one.
std::optional<std::uint32_t> context_info_field(std::uint32_t number);

/// The field of wrapper `number` that holds the message inside; nullopt when it is none that is looked through.
std::optional<std::uint32_t> wrapped_message_field(std::uint32_t number);

struct Unwrapped {
  Bytes message;  // the innermost Message
  bool device_sent = false;
  Bytes destination;              // destinationJid of the outermost deviceSent
  bool edited = false;            // passed an editedMessage
  bool view_once = false;         // passed a viewOnce wrapper
  Bytes secret;                   // messageSecret: innermost first, then outwards; empty when absent
  Bytes sender_key_distribution;  // SKDM message of the outermost level that has one, empty when absent
};
enum class EditedMessages { unwrap, keep };
/// Looks through deviceSent, ephemeral, viewOnce… Errors: malformed (more than 10 wrappers).
Result<Unwrapped> unwrap_message(ByteView encoded, EditedMessages edited);

}  // namespace wharf::protocol
