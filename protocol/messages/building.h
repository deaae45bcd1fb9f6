#pragma once
// Messages of every kind, made to be sent: the Message protobuf of a value, with its contextInfo, secret and wrappers.
// Specification 03 sections 4.1, 9 and 11, 04 section 5. Fields are written in ascending order and only when they say
// something, so that one value has one encoding.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/messages/body.h"
#include "protocol/messages/content.h"

namespace wharf::protocol {

/// What may stand around any content: contextInfo, and whether it may be seen once only.
struct MessageFrame {
  std::optional<Quote> quote;
  std::vector<Jid> mentions;  // user JIDs, in the namespace of the chat
  bool mention_all = false;
  bool forwarded = false;
  std::uint32_t forwarding_score = 0;
  std::uint32_t expires_after_s = 0;  // the chat's timer; 0 = none
  std::int64_t expiry_set_at = 0;     // unix seconds; when the timer was set
  bool view_once = false;             // image, video, audio
  std::optional<MessageKey> album;    // of a picture or video: the Album that it belongs to
};

/// A file as a message of this kind (image, video, gif, video_note, audio, voice, document, sticker).
struct MediaContent {
  MessageKind kind = MessageKind::document;
  MediaFile file;
  std::string caption;
  friend bool operator==(const MediaContent&, const MediaContent&) = default;
};

/// A text with what is shown of an address in it.
struct PreviewedText {
  std::string text;
  LinkPreview preview;
  friend bool operator==(const PreviewedText&, const PreviewedText&) = default;
};

/// A text as a status post; without colours it is one all the same, and never `conversation`.
struct StatusText {
  std::string text;
  TextStyle style;
  friend bool operator==(const StatusText&, const StatusText&) = default;
};

using OutgoingBody = std::variant<std::string, PreviewedText, StatusText, Location, Contacts, Poll, CalendarEvent,
                                  GroupInvite, Album, MediaContent>;

/// A string is text. `conversation` when there is nothing around it, else extendedTextMessage; a document with a
/// caption is wrapped; messageSecret and reportingTokenVersion 2 are set.
OutgoingMessage build_message(const OutgoingBody& body, const MessageFrame& frame, Random& random);

// --- what is said about another message: no message of its own. Keys are written as they are given; the secret is that
// of the carrier where it has one (03 section 4.1 step 1: reactions and votes have none).

OutgoingMessage build_reaction(const Reaction& reaction);
OutgoingMessage build_vote(const PollVote& vote);
OutgoingMessage build_event_answer(const EventAnswer& answer);
OutgoingMessage build_sealed(const Sealed& sealed, Random& random);
/// `text` replaces text or caption: `original` is the unwrapped Message that is edited, of which media keeps its
/// fields. A text shows `preview` from then on, or none; a caption has none.
OutgoingMessage build_edit(const MessageKey& target, const std::string& text, ByteView original,
                           const std::vector<Jid>& mentions, std::int64_t at_ms, Random& random,
                           const std::optional<LinkPreview>& preview = {});
/// The same of a whole new Message, without a secret of its own: how an edit is kept that came sealed. `at_ms` 0: not
/// said.
Bytes edit_in_clear(const MessageKey& target, ByteView edited, std::int64_t at_ms);
OutgoingMessage build_revoke(const MessageKey& target, Random& random);
OutgoingMessage build_pin(const Pin& pin, Random& random);
/// About the chat (03 section 5.5).
OutgoingMessage build_disappearing(const DisappearingTimer& timer, Random& random);

/// A stored Message as it is sent on: unwrapped, without quote and mentions, text as extendedTextMessage, the score
/// raised (03 section 11). `text`: what it says by now, when it was edited. Empty: nothing of it can be forwarded.
OutgoingMessage build_forward(ByteView stored, const std::optional<std::string>& text, bool was_own,
                              const MessageFrame& frame, Random& random);
/// An unwrapped Message with another text or caption; as it is when it has neither.
Bytes with_text(ByteView message, const std::string& text);
/// An unwrapped Message of a CalendarEvent with what an edit says of it, but for contextInfo and secret, which stay.
/// Empty when one of the two is no event.
Bytes with_event(ByteView message, ByteView edited);

}  // namespace wharf::protocol
