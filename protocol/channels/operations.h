#pragma once
// What can be asked of channels over mex, as values: the client makes a MexRequest of one, the network reads it back.
// Specification 05 section 8.1 (the variables), 06 section 5.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/channels/metadata.h"
#include "protocol/mex/query.h"

namespace wharf::protocol {

// Notices to accept before creating and following (protocol/account/terms.h).

struct CreateChannel {
  std::string name, description;  // "" = none
  Bytes picture;                  // JPEG, or none
  friend bool operator==(const CreateChannel&, const CreateChannel&) = default;
};
/// nullopt: stays as it is. An empty picture removes it.
struct UpdateChannel {
  Jid channel;
  std::optional<std::string> name = {}, description = {};
  std::optional<Bytes> picture = {};
  std::optional<ReactionCodes> reactions = {};
  friend bool operator==(const UpdateChannel&, const UpdateChannel&) = default;
};
struct DeleteChannel {
  Jid channel;
  friend bool operator==(const DeleteChannel&, const DeleteChannel&) = default;
};
/// One channel, by its JID or by the code of an invite.
struct FetchChannel {
  std::variant<Jid, std::string> key;
  ChannelRole view_role = ChannelRole::guest;
  friend bool operator==(const FetchChannel&, const FetchChannel&) = default;
};
struct FetchFollowedChannels {
  friend bool operator==(const FetchFollowedChannels&, const FetchFollowedChannels&) = default;
};
struct FollowChannel {
  Jid channel;
  friend bool operator==(const FollowChannel&, const FollowChannel&) = default;
};
struct UnfollowChannel {
  Jid channel;
  friend bool operator==(const UnfollowChannel&, const UnfollowChannel&) = default;
};
struct MuteChannel {
  Jid channel;
  bool muted = true;
  bool as_admin = false;  // what its followers do, instead of what it posts
  friend bool operator==(const MuteChannel&, const MuteChannel&) = default;
};
struct FetchChannelFollowers {
  Jid channel;
  std::uint64_t count = 0;
  friend bool operator==(const FetchChannelFollowers&, const FetchChannelFollowers&) = default;
};
struct FetchChannelAdmins {
  Jid channel;
  bool capabilities = false;  // what we may do, instead of who they are
  friend bool operator==(const FetchChannelAdmins&, const FetchChannelAdmins&) = default;
};
/// What is done to somebody in a channel. Accepting concerns oneself and names nobody, listing nobody either.
struct ChannelAdministration {
  enum class Act : std::uint8_t { change_owner, demote, invite, revoke_invite, accept_invite, list_invites };
  Act act{};
  Jid channel;
  std::optional<Jid> user = {};
  friend bool operator==(const ChannelAdministration&, const ChannelAdministration&) = default;
};
/// Looking for channels. Countries and categories may be empty, the cursor too.
struct FindChannels {
  enum class Kind : std::uint8_t { directory, search, recommended, similar };
  Kind kind{};
  std::string view = {};  // of the directory: RECOMMENDED, NEW, POPULAR, FEATURED, TRENDING
  std::string text = {};  // of a search
  std::optional<Jid> similar_to = {};
  std::uint64_t limit = 50;
  std::vector<std::string> countries = {}, categories = {};  // not both of all kinds
  std::string cursor = {};                                   // of the directory and of searches
  friend bool operator==(const FindChannels&, const FindChannels&) = default;
};
struct FetchReactionSenders {
  Jid channel;
  std::uint64_t server_id = 0;
  friend bool operator==(const FetchReactionSenders&, const FetchReactionSenders&) = default;
};
struct FetchPollVoters {
  Jid channel;
  std::uint64_t server_id = 0;
  std::string vote_hash;
  std::uint64_t limit = 100;
  friend bool operator==(const FetchPollVoters&, const FetchPollVoters&) = default;
};
struct FetchInsights {
  Jid channel;
  std::vector<std::string> metrics;
  friend bool operator==(const FetchInsights&, const FetchInsights&) = default;
};
struct PinPosts {
  Jid channel;
  bool pin = true;
  std::vector<std::string> message_ids;
  friend bool operator==(const PinPosts&, const PinPosts&) = default;
};

using ChannelOperation =
    std::variant<CreateChannel, UpdateChannel, DeleteChannel, FetchChannel, FetchFollowedChannels, FollowChannel,
                 UnfollowChannel, MuteChannel, FetchChannelFollowers, FetchChannelAdmins, ChannelAdministration,
                 FindChannels, FetchReactionSenders, FetchPollVoters, FetchInsights, PinPosts>;

MexRequest channel_request(const ChannelOperation& operation);
/// The network's side; lists and limits are cut at 1,000. nullopt for another operation, or variables that cannot be
/// used.
std::optional<ChannelOperation> read_channel_request(const MexRequest& request);

// --- answers. For those that are not here what is told is that it was done: read_mex_answer() (protocol/mex/query.h).

/// Of create, update, fetch, follow and unfollow, which tell the channel or at least its id. Errors: as
/// read_mex_answer; not_found (there is none, or none that we may see); malformed.
Result<ChannelMetadata> read_channel_answer(const Node& answer);
struct ChannelsTold {
  std::vector<ChannelMetadata> channels;  // at most 1,000
  bool whole = true;                      // false: rows were left out, which cannot be used or come after those
};
/// Of FetchFollowedChannels; of up to 8 MiB. Errors: as read_mex_answer; malformed (no list).
Result<ChannelsTold> read_channels_answer(const Node& answer);

/// The network's side. `operation` is what was asked. nullopt: there is no such channel.
Node channel_answer(const Node& request, const ChannelOperation& operation,
                    const std::optional<ChannelMetadata>& metadata);
Node channels_answer(const Node& request, const std::vector<ChannelMetadata>& channels);

}  // namespace wharf::protocol
