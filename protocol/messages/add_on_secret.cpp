#include "protocol/messages/add_on_secret.h"

#include <algorithm>

#include "protocol/crypto/aes.h"
#include "protocol/crypto/hash.h"
#include "protocol/messages/building.h"
#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t secret_bytes = 32, tag_bytes = 16;

AesKey key_of(const AddOn& about, ByteView secret) {
  const std::string info =
      about.target_id + about.target_author.to_string() + about.author.to_string() + std::string(about.use);
  return hkdf_sha256<32>(secret, {}, as_bytes(info));
}

/// Votes and answers are bound to who gives them; the others are not (03 section 10).
Bytes aad_of(const AddOn& about) {
  if (about.use != add_on::poll_vote && about.use != add_on::event_response) return {};
  Bytes aad = to_bytes(as_bytes(about.target_id));
  aad.push_back(0);
  append(aad, as_bytes(about.author.to_string()));
  return aad;
}

}  // namespace

SealedAddOn seal_add_on(const AddOn& about, ByteView secret, ByteView plaintext, Random& random) {
  const GcmIv iv = random.bytes<12>();
  return {gcm_seal(key_of(about, secret), iv, plaintext, aad_of(about)), to_bytes(iv)};
}

Result<Bytes> open_add_on(const AddOn& about, ByteView secret, ByteView payload, ByteView iv) {
  const auto nonce = exactly<12>(iv);
  if (secret.size() != secret_bytes || !nonce || payload.size() < tag_bytes)
    return Error(Errc::malformed, "sealed add-on");
  return gcm_open(key_of(about, secret), *nonce, payload, aad_of(about));
}

std::array<std::uint8_t, 32> option_hash(std::string_view option) { return sha256(as_bytes(option)); }

Bytes encode_choices(const std::vector<std::string>& options) {
  Bytes out;
  for (const std::string& option : options) append_field(out, 1, option_hash(option));
  return out;
}

Result<std::optional<std::vector<std::string>>> read_choices(ByteView vote, const Poll& poll) {
  constexpr std::size_t max_hashes = 256;
  std::vector<bool> chosen(poll.options.size());
  std::vector<std::array<std::uint8_t, 32>> hashes;
  hashes.reserve(poll.options.size());
  for (const std::string& option : poll.options) hashes.push_back(option_hash(option));
  std::size_t seen = 0;
  WireReader reader(vote);
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->type != WireType::length || ++seen > max_hashes) continue;
    const auto hash = exactly<32>(field->value);
    if (!hash) continue;
    const auto known = std::find(hashes.begin(), hashes.end(), *hash);
    if (known != hashes.end()) chosen[static_cast<std::size_t>(known - hashes.begin())] = true;
  }
  if (reader.failed()) return Error(Errc::malformed, "PollVoteMessage");
  std::vector<std::string> options;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) options.push_back(poll.options[i]);
  if (poll.selectable > 0 && options.size() > poll.selectable) return std::optional<std::vector<std::string>>();
  return std::optional(std::move(options));
}

// --- reactions and edits

std::string_view use_of(Sealed::What what) {
  switch (what) {
    case Sealed::What::message_edit: return add_on::message_edit;
    case Sealed::What::event_edit: return add_on::event_edit;
    case Sealed::What::reaction: break;
  }
  return add_on::reaction;
}

namespace {

constexpr std::uint32_t reaction_text = 2, reaction_time = 4;

Result<Bytes> reaction_in_clear(const Sealed& sealed, ByteView plaintext) {
  Reaction reaction{sealed.target, {}, 0};
  WireReader reader(plaintext);
  while (const auto field = reader.next()) {
    if (field->number == reaction_text) reaction.text = as_text(field->value);
    if (field->number == reaction_time) reaction.at_ms = static_cast<std::int64_t>(field->varint);
  }
  if (reader.failed()) return Error(Errc::malformed, "sealed ReactionMessage");
  return build_reaction(reaction).encoded;
}

}  // namespace

Result<Bytes> in_clear(const Sealed& sealed, ByteView plaintext) {
  if (sealed.what == Sealed::What::reaction) return reaction_in_clear(sealed, plaintext);
  const auto content = parse_message(plaintext);
  if (!content) return content.error();
  const bool of_event = sealed.what == Sealed::What::event_edit;
  if (const auto* edit = std::get_if<Edit>(&content->body)) {
    if (edit->target.id != sealed.target.id) return Error(Errc::malformed, "a sealed edit of another message");
    if (of_event && content_number(edit->message) != field_number::event)
      return Error(Errc::malformed, "a sealed edit of an event without one");
    return edit_in_clear(sealed.target, edit->message, edit->at_ms);
  }
  // Of an event it is the event as it is now, without a key and a time (03 section 10).
  if (!content->has_content || content->kind == MessageKind::edit || content->kind == MessageKind::protocol ||
      (of_event && content->kind != MessageKind::event))
    return Error(Errc::malformed, "a sealed edit of nothing");
  return edit_in_clear(sealed.target, content->encoded, 0);
}

Bytes encode_sealed_reaction(const Reaction& reaction) {
  Bytes out;
  append_field(out, reaction_text, as_bytes(reaction.text));
  append_varint_field(out, reaction_time, static_cast<std::uint64_t>(reaction.at_ms));
  return out;
}

// --- answers to events

Bytes encode_event_response(const EventResponse& response) {
  Bytes out;
  append_varint_field(out, 1, static_cast<std::uint64_t>(response.answer));
  append_varint_field(out, 2, static_cast<std::uint64_t>(response.at_ms));
  if (response.extra_guests != 0) append_varint_field(out, 3, response.extra_guests);
  return out;
}

Result<EventResponse> read_event_response(ByteView encoded) {
  constexpr std::uint64_t most_guests = 0x7fffffff;  // a negative number is none
  EventResponse out;
  bool answered = false;
  WireReader reader(encoded);
  while (const auto field = reader.next()) {
    if (field->type != WireType::varint) continue;
    if (field->number == 1) {
      answered = field->varint >= 1 && field->varint <= 3;
      if (answered) out.answer = static_cast<EventResponse::Answer>(field->varint);
    }
    if (field->number == 2) out.at_ms = std::max<std::int64_t>(static_cast<std::int64_t>(field->varint), 0);
    if (field->number == 3)
      out.extra_guests = field->varint <= most_guests ? static_cast<std::uint32_t>(field->varint) : 0;
  }
  if (reader.failed() || !answered) return Error(Errc::malformed, "EventResponseMessage");
  return out;
}

}  // namespace wharf::protocol
