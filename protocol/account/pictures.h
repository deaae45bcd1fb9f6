#pragma once
// Profile pictures of users and groups. Specification 05 section 13 (item 3), 02 section 10.

#include <optional>
#include <string>

#include "protocol/binary/node.h"

namespace wharf::protocol {

enum class PictureSize : std::uint8_t { preview, image };

struct PictureQuery {
  Jid target;  // user or group; the own account for the own picture
  PictureSize size = PictureSize::image;
  std::string known_id = {};  // "" = none: with it the answer may be that nothing changed
  Bytes token = {};           // trusted-contact token; never for the own account (no answer comes then), nor for groups
  std::string invite = {};    // of a group one is not in: the code of a link
  std::optional<Jid> common_group = {};  // common_gid
  friend bool operator==(const PictureQuery&, const PictureQuery&) = default;
};
Node picture_iq(std::string_view id, const PictureQuery& query);

/// What an answer says of a picture. Addresses expire within hours: keep the id. They are of whoever answers, and
/// fetched through download_targets() (protocol/media/media_urls.h), which asks no foreign host.
struct PictureState {
  enum class Kind : std::uint8_t {
    present,    // id, and url or direct_path
    unchanged,  // since known_id
    none,       // none is set
    hidden,     // from us, by privacy
  };
  Kind kind = Kind::none;
  std::string id = {}, url = {}, direct_path = {}, hash = {};  // of a present one, "" = not said
  PictureSize size = PictureSize::image;
  friend bool operator==(const PictureState&, const PictureState&) = default;
};
/// Errors: as iq_refusal (protocol/stanzas/iq_reading.h), but 401 and 404 are answers; malformed (no picture though
/// none was known).
Result<PictureState> read_picture_answer(const Node& answer, const PictureQuery& query);

/// `jpeg` is square, 640 pixels at most (others are refused with 406). `group` absent: the own picture.
Node set_picture_iq(std::string_view id, const std::optional<Jid>& group, ByteView jpeg);
Node remove_picture_iq(std::string_view id, const std::optional<Jid>& group);
/// The id of the new picture. Errors: as iq_refusal, malformed. The answer to a removal is judged by result_only().
Result<std::string> read_picture_set(const Node& answer);

// --- the network's side

std::optional<PictureQuery> read_picture_query(const Node& iq);
Node picture_answer(const Node& request, const PictureState& state);

struct PictureChange {
  std::optional<Jid> group;  // absent: of who asks
  Bytes jpeg;                // empty: remove
};
/// nullopt when it is no such request, or its picture is over 1 MiB.
std::optional<PictureChange> read_picture_change(const Node& iq);
Node picture_set_answer(const Node& request, std::string_view picture_id);

}  // namespace wharf::protocol
