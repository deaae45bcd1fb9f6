#pragma once
// What a channel says of itself. Specification 05 section 8.3.

#include <optional>
#include <string>

#include "protocol/binary/jid.h"
#include "protocol/mex/json.h"

namespace wharf::protocol {

enum class ChannelState : std::uint8_t { unknown, active, suspended, geosuspended, deleted, non_existing };
enum class ChannelRole : std::uint8_t { unknown, guest, subscriber, admin, owner };
enum class ReactionCodes : std::uint8_t { unknown, all, basic, none, blocklist };

/// The names on the wire; servers write them in either case. "" and unknown belong together.
std::string_view name(ChannelState state);
std::string_view name(ChannelRole role);
std::string_view name(ReactionCodes codes);
ChannelRole channel_role(std::string_view name);
ReactionCodes reaction_codes(std::string_view name);

/// A picture of a channel is not encrypted: direct_path on the media hosts.
struct ChannelPicture {
  std::string id, direct_path;
  friend bool operator==(const ChannelPicture&, const ChannelPicture&) = default;
};

/// Texts are displayable: the name one line, the description several. "" and nullopt: not said.
struct ChannelMetadata {
  Jid id = {};
  ChannelState state{};
  std::string name = {}, description = {};
  std::string name_id = {}, description_id = {};
  std::optional<std::uint64_t> created_at = {}, name_at = {}, description_at = {};  // as said
  std::optional<ChannelPicture> picture = {}, preview = {};
  std::string invite = {}, handle = {};
  std::optional<std::uint64_t> subscribers = {};
  bool verified = false;
  ReactionCodes reactions{};
  ChannelRole role{};              // of us
  std::optional<bool> muted = {};  // by us
  friend bool operator==(const ChannelMetadata&, const ChannelMetadata&) = default;

  /// https://whatsapp.com/channel/…, "" without invite.
  std::string link() const;
};

/// nullopt without the id of a channel. What is of the wrong kind is left out.
std::optional<ChannelMetadata> read_channel_metadata(const Json& json);
Json channel_metadata_json(const ChannelMetadata& metadata);

/// The code of a link, which may be one whole: 10 to 64 letters, digits, - and _ (05 section 17). nullopt for anything
/// else.
std::optional<std::string> channel_invite(std::string_view link_or_code);

}  // namespace wharf::protocol
