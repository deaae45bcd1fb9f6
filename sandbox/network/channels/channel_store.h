#pragma once
// Channels as the server keeps them, with their posts, and as rows. Specification 05 section 8, 06 sections 5 and 19.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channels/metadata.h"
#include "protocol/channels/posts.h"
#include "sandbox/account.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

struct ChannelEntry {
  std::uint64_t server_id = 0;
  std::string id, author;                                     // WhatsApp id, and whose: a phone number
  std::string type, media_type;                               // of the stanza
  std::uint64_t at = 0, changed_at = 0;                       // unix seconds
  Bytes message;                                              // an encoded Message; empty: it was deleted
  std::set<std::string, std::less<>> viewers;                 // by phone
  std::map<std::string, std::string, std::less<>> reactions;  // by phone: an emoji
};

struct Channel {
  static constexpr std::size_t max_posts = 1'000;  // the oldest go
  Jid id;
  std::string name, description, invite, owner;  // owner: a phone number
  std::uint64_t created_at = 0, name_at = 0, description_at = 0;
  Bytes picture;
  std::string picture_id;
  protocol::ReactionCodes reactions = protocol::ReactionCodes::all;
  struct Member {
    bool admin = false, muted = false;
  };
  std::map<std::string, Member, std::less<>> members;  // followers and admins, by phone; not the owner
  std::uint64_t last_server_id = 100;
  std::map<std::uint64_t, ChannelEntry> posts;

  protocol::ChannelRole role_of(std::string_view phone) const;
  bool may_post(std::string_view phone) const;
  std::uint64_t followers() const { return members.size(); }
  /// As this account is told of it.
  protocol::ChannelMetadata metadata_for(std::string_view phone) const;
  static std::string picture_path(std::string_view picture_id);
};
/// As this account is told of it.
protocol::ChannelPost post_for(const ChannelEntry& entry, std::string_view phone);

class ChannelStore {
 public:
  static constexpr std::size_t max_channels = 10'000;
  explicit ChannelStore(NetworkContext& context) : c_(context) {}

  Channel* find(const Jid& id);
  /// By its id, or by the code of its invite.
  Channel* find(const std::variant<Jid, std::string>& key);
  std::vector<const Channel*> all() const;
  /// nullptr: there are too many.
  Channel* create(std::string owner);
  void remove(const Jid& id);
  void changed(const Channel& channel);
  void post_changed(const Channel& channel, std::uint64_t server_id);
  /// A new post at its end; the oldest makes room.
  ChannelEntry& add_post(Channel& channel);

  /// The picture at a direct path; nullptr when there is none, or another one by now.
  const Bytes* media(std::string_view direct_path) const;

  // --- rows: channel, channel_post
  std::optional<Bytes> row(const RowKey& key) const;
  void restore(const RowKey& key, ByteView row);

 private:
  Channel* find_by_invite(std::string_view code);

  NetworkContext& c_;
  std::map<Jid, Channel> channels_;
};

}  // namespace wharf::sandbox
