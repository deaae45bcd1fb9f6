#pragma once
// What a message holds beside text: each kind as a value, read from an encoded Message and written into one.
// Specification 03 sections 9 to 11, 04 section 5. Texts are displayable, ids acceptable (protocol/text.h); what cannot
// be shown at all is left out. Lists are cut at the bounds below.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "protocol/crypto/aes.h"

namespace wharf::protocol {

/// A message as another one names it, written from the view of who writes: `from_me` is true of his own messages.
struct MessageKey {
  std::string id;
  bool from_me = false;
  std::optional<Jid> chat;         // user or group
  std::optional<Jid> participant;  // the author, in groups
  friend bool operator==(const MessageKey&, const MessageKey&) = default;
};

struct Location {
  double latitude = 0, longitude = 0;  // degrees
  bool placed = true;                  // false: a name without coordinates, as events have
  std::string name, address, url;
  bool live = false;  // moves while it is shared; name is its caption then
  std::uint32_t accuracy_m = 0;
  friend bool operator==(const Location&, const Location&) = default;
};

struct ContactCard {
  std::string name, vcard;
  friend bool operator==(const ContactCard&, const ContactCard&) = default;
};
struct Contacts {
  static constexpr std::size_t max_cards = 257;
  std::string name;  // of several; of one it is the card's
  std::vector<ContactCard> cards;
  friend bool operator==(const Contacts&, const Contacts&) = default;
};

struct Poll {
  static constexpr std::size_t min_options = 2, max_options = 12;
  std::string name;
  std::vector<std::string> options;
  std::uint32_t selectable = 1;  // how many one voter may choose; 0: any number
  friend bool operator==(const Poll&, const Poll&) = default;
};

struct CalendarEvent {
  std::string name, description, join_link;
  std::int64_t starts_at = 0, ends_at = 0;  // unix seconds; 0 = not said
  bool cancelled = false, extra_guests = false;
  std::optional<Location> place;
  friend bool operator==(const CalendarEvent&, const CalendarEvent&) = default;
};

struct GroupInvite {
  std::string group, code, name;
  std::int64_t expires_at = 0;  // unix seconds
  std::string caption = {};
  friend bool operator==(const GroupInvite&, const GroupInvite&) = default;
};

/// The head of several pictures that belong together; each follows as a message of its own.
struct Album {
  std::uint32_t images = 0, videos = 0;
  friend bool operator==(const Album&, const Album&) = default;
};

/// What is shown of an address that stands in a text.
struct LinkPreview {
  static constexpr std::size_t max_thumbnail_bytes = 64u << 10;
  std::string url;  // as it stands in the text
  std::string title, description;
  Bytes thumbnail;  // JPEG, or none
  friend bool operator==(const LinkPreview&, const LinkPreview&) = default;
};

/// How a text is shown as a status post (05 section 10 item 3). Colours are 0xAARRGGBB; 0 = not said.
struct TextStyle {
  std::uint32_t text_argb = 0, background_argb = 0;
  std::uint32_t font = 0;
  friend bool operator==(const TextStyle&, const TextStyle&) = default;
};
/// The fonts that apps have.
constexpr bool is_status_font(std::uint32_t font) { return font <= 2 || (font >= 6 && font <= 10); }

/// What somebody chose in a message with buttons, a list or a flow.
struct Choice {
  std::string id;      // of the button or row; of a flow its name
  std::string params;  // JSON of a flow's answer, else ""
  friend bool operator==(const Choice&, const Choice&) = default;
};

/// A file on WhatsApp's media servers. Its kind is that of the message.
struct MediaFile {
  std::string mimetype, url, direct_path, file_name;
  std::uint64_t length = 0;
  Bytes sha256, enc_sha256, key;  // 32 bytes each, or 0
  std::int64_t key_at = 0;        // unix seconds
  std::uint32_t width = 0, height = 0, seconds = 0, pages = 0;
  bool animated = false;
  Bytes waveform;               // of a voice note: 64 bytes 0..100
  Bytes thumbnail;              // JPEG, of a sticker PNG; at most 64 KiB
  Bytes sidecar;                // of audio and video (04 section 2.3)
  std::string static_url = {};  // of pictures and videos in channels (04 section 4.1)
  friend bool operator==(const MediaFile&, const MediaFile&) = default;
};

// --- what is said about another message

/// Empty text: the reaction is taken back. One per author, the newest counts.
struct Reaction {
  MessageKey target;
  std::string text;
  std::int64_t at_ms = 0;  // the sender's clock
  friend bool operator==(const Reaction&, const Reaction&) = default;
};
/// Sealed with the poll's secret: messages/add_on_secret.h.
struct PollVote {
  MessageKey target;
  Bytes payload, iv;
  std::int64_t at_ms = 0;
  friend bool operator==(const PollVote&, const PollVote&) = default;
};
/// An answer to a CalendarEvent, sealed with its secret: messages/add_on_secret.h.
struct EventAnswer {
  MessageKey target;
  Bytes payload, iv;
  friend bool operator==(const EventAnswer&, const EventAnswer&) = default;
};
/// What has a form in clear too, a reaction or an edit, sealed with the secret of its message: in_clear() of
/// messages/add_on_secret.h. Edits of polls are not read: they stay of a kind that is not known.
struct Sealed {
  enum class What { reaction, message_edit, event_edit };
  MessageKey target;
  What what = What::reaction;
  Bytes payload, iv;
  friend bool operator==(const Sealed&, const Sealed&) = default;
};
struct Edit {
  MessageKey target;
  Bytes message;     // the new Message
  std::string text;  // its text or caption
  std::vector<Jid> mentions;
  std::int64_t at_ms = 0;
  friend bool operator==(const Edit&, const Edit&) = default;
};
struct Revoke {
  MessageKey target;
  friend bool operator==(const Revoke&, const Revoke&) = default;
};
struct Pin {
  MessageKey target;
  bool pinned = true;
  std::int64_t at_ms = 0;
  std::uint32_t duration_s = 0;
  friend bool operator==(const Pin&, const Pin&) = default;
};

/// The disappearing timer of the chat itself: how long what is sent from now on stays.
struct DisappearingTimer {
  std::uint32_t seconds = 0;  // 0: for good
  std::int64_t set_at = 0;    // unix seconds; 0 = not said
  friend bool operator==(const DisappearingTimer&, const DisappearingTimer&) = default;
};
/// What apps offer (03 section 5.5); nobody can set another one.
constexpr bool is_disappearing_timer(std::uint32_t seconds) {
  return seconds == 0 || seconds == 86'400 || seconds == 604'800 || seconds == 7'776'000;
}

/// monostate: text, and what is only kept.
using MessageBody =
    std::variant<std::monostate, LinkPreview, TextStyle, Location, Contacts, Poll, CalendarEvent, GroupInvite, Album,
                 Choice, MediaFile, Reaction, PollVote, EventAnswer, Sealed, Edit, Revoke, Pin, DisappearingTimer>;

/// The field of an unwrapped Message that says what it is: the first of a kind we know, else the first content at all;
/// 0 without content.
std::uint32_t content_number(ByteView message);
/// Of an unwrapped Message that check_message() accepted.
MessageBody read_body(ByteView message);

/// What the body says about another message; nullptr when it says nothing of the kind.
const MessageKey* target_of(const MessageBody& body);

/// When the sender says that he said it, in ms; 0 when he does not.
std::int64_t said_at(const MessageBody& body);

/// What stands in the contextInfo beside quote and mentions (content.h), and in wrappers that matter to whoever shows
/// it.
struct MessageTraits {
  bool view_once = false;
  bool forwarded = false;
  std::uint32_t forwarding_score = 0;  // from 5 on: forwarded many times
  std::uint32_t expires_after_s = 0;   // disappearing: seconds; 0 = never
  std::int64_t expiry_set_at = 0;      // unix seconds since when the chat has this timer; 0 = not said
  bool mentions_all = false;
  std::string album;  // id of the Album that a picture or video belongs to; "" = none
  friend bool operator==(const MessageTraits&, const MessageTraits&) = default;
};

/// What WhatsApp calls a content field ("buttonsMessage"); "field 123" for one that is not known here.
std::string content_name(std::uint32_t number);

}  // namespace wharf::protocol
