// The reporting token binds what a recipient may report to what the sender sent, without the server seeing it: an HMAC,
// under a key from the message secret, over a normalised extract of the message. The extract keeps the listed fields
// only, byte for byte, sorted by number. Specification 03 section 4.7.
#include <algorithm>
#include <span>

#include "protocol/crypto/hash.h"
#include "protocol/messages/content.h"
#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

struct Rule {
  std::uint32_t number;
  std::span<const Rule> inside = {};  // empty: copied whole
  bool message = false;               // a nested Message: the top list again
};

constexpr Rule context_rules[] = {{21}, {22}};
constexpr Rule option_rules[] = {{1}, {2}};
constexpr Rule poll_rules[] = {{2}, {3, option_rules}, {5, context_rules}, {8, option_rules}};
constexpr Rule wrapper_rules[] = {{1, {}, true}};
constexpr Rule image_rules[] = {{2}, {3}, {8}, {11}, {17, context_rules}, {25}};
constexpr Rule contact_rules[] = {{1}, {16}, {17, context_rules}};
constexpr Rule location_rules[] = {{3}, {4}, {5}, {16}, {17, context_rules}};
constexpr Rule text_rules[] = {{1}, {17, context_rules}, {30}};
constexpr Rule document_rules[] = {{2}, {7}, {10}, {17, context_rules}, {20}};
constexpr Rule audio_rules[] = {{2}, {7}, {9}, {17, context_rules}, {21}};
constexpr Rule video_rules[] = {{2}, {6}, {7}, {13}, {17, context_rules}, {20}};
constexpr Rule protocol_rules[] = {{1}, {2}, {14, {}, true}, {15}};
constexpr Rule live_location_rules[] = {{6}, {16}, {17, context_rules}};
constexpr Rule sticker_rules[] = {{4}, {5}, {8}, {13}, {17, context_rules}};
constexpr Rule group_invite_rules[] = {{1}, {2}, {4}, {5}, {6}, {7, context_rules}};
constexpr Rule result_rules[] = {{1}};
constexpr Rule poll_result_rules[] = {{1}, {2, result_rules}, {3, context_rules}};
constexpr Rule message_rules[] = {
    {1},
    {3, image_rules},
    {4, contact_rules},
    {5, location_rules},
    {6, text_rules},
    {7, document_rules},
    {8, audio_rules},
    {9, video_rules},
    {12, protocol_rules},
    {18, live_location_rules},
    {26, sticker_rules},
    {28, group_invite_rules},
    {37, wrapper_rules},
    {49, poll_rules},
    {53, wrapper_rules},
    {55, wrapper_rules},
    {58, wrapper_rules},
    {59, wrapper_rules},
    {60, poll_rules},
    {64, poll_rules},
    {66, video_rules},
    {74, wrapper_rules},
    {87, wrapper_rules},
    {88, poll_result_rules},
    {92, wrapper_rules},
    {93, wrapper_rules},
    {94, wrapper_rules},
};

/// The listed fields of `bytes`; nullopt for malformed input.
std::optional<Bytes> extract(ByteView bytes, std::span<const Rule> rules, std::size_t depth) {
  if (depth > max_message_depth) return std::nullopt;
  struct Piece {
    std::uint32_t number;
    Bytes bytes;
  };
  std::vector<Piece> pieces;
  WireReader reader(bytes);
  while (const auto field = reader.next()) {
    const auto rule =
        std::find_if(rules.begin(), rules.end(), [&](const Rule& r) { return r.number == field->number; });
    if (rule == rules.end()) continue;
    if (rule->inside.empty() && !rule->message) {
      pieces.push_back({field->number, to_bytes(field->whole)});
      continue;
    }
    if (field->type != WireType::length) return std::nullopt;
    const auto inner =
        extract(field->value, rule->message ? std::span<const Rule>(message_rules) : rule->inside, depth + 1);
    if (!inner) return std::nullopt;
    if (inner->empty()) continue;
    Piece piece{field->number, to_bytes(field->tag)};
    append_varint(piece.bytes, inner->size());
    append(piece.bytes, *inner);
    pieces.push_back(std::move(piece));
  }
  if (reader.failed()) return std::nullopt;
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.number < b.number; });
  Bytes out;
  for (const Piece& piece : pieces) append(out, piece.bytes);
  return out;
}

bool is_excluded(ByteView message) {
  return has_field(message, field_number::reaction) || has_field(message, field_number::enc_reaction) ||
         has_field(message, field_number::enc_event_response) || has_field(message, field_number::poll_update);
}

}  // namespace

std::optional<std::array<std::uint8_t, 16>> reporting_token(ByteView encoded, ByteView secret, std::string_view id,
                                                            const Jid& sender, const Jid& remote) {
  if (secret.size() != 32 || encoded.size() > max_message_bytes || is_excluded(encoded)) return std::nullopt;
  const auto content = extract(encoded, message_rules, 0);
  if (!content || content->empty()) return std::nullopt;
  const std::string info =
      std::string(id) + sender.user_jid().to_string() + remote.user_jid().to_string() + "Report Token";
  const auto key = hkdf_sha256<32>(secret, {}, as_bytes(info));
  return *exactly<16>(ByteView(hmac_sha256(key, *content)).first(16));
}

}  // namespace wharf::protocol
