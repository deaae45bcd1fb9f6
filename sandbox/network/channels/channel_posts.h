#pragma once
// Posts of channels: published, delivered to who follows, reacted to, seen, and read in pages. Specification 05
// sections 8.4 and 8.5.

#include <map>
#include <utility>
#include <vector>

#include "protocol/messages/building.h"
#include "sandbox/network/channels/channel_desk.h"
#include "sandbox/network/message_answers.h"

namespace wharf::sandbox {

class ChannelPosts {
 public:
  static constexpr std::uint64_t live_seconds = 300;

  ChannelPosts(NetworkContext& context, Delivery& delivery, ChannelStore& store, ChannelDesk& desk,
               MessageAnswers& answers)
      : c_(context), delivery_(delivery), store_(store), desk_(desk), answers_(answers) {}

  /// A message to a channel.
  void on_message(const Origin& origin, const Node& message, const Jid& to);
  /// A receipt, whatever it says: views of posts are counted, of others nothing.
  void on_receipt(const Origin& origin, const Node& receipt);

  /// By somebody who may. The id is new.
  ChannelEntry& publish(Channel& channel, const std::string& author, std::string id, std::string type, Bytes message,
                        std::string media_type, const DeviceKey* spared);
  /// The same: a text, or a file that lies on the media host in clear.
  ChannelEntry& publish(Channel& channel, const Party& author, const protocol::OutgoingBody& body);
  /// Another text, of a file another caption. False: it was deleted.
  bool edit(const Channel& channel, ChannelEntry& entry, const std::string& text);
  /// What it holds from now on; empty: it is deleted. Whoever follows is told.
  void change(const Channel& channel, ChannelEntry& entry, Bytes message, const DeviceKey* spared);
  /// "" takes it back. False: there is no such post, or it takes no reactions.
  bool react(Channel& channel, std::uint64_t server_id, const std::string& phone, const std::string& emoji);
  /// Newest last.
  std::vector<protocol::ChannelPost> page(const Channel& channel, std::string_view viewer, std::uint64_t count,
                                          std::optional<std::uint64_t> before,
                                          std::optional<std::uint64_t> after) const;
  /// Those that changed since.
  std::vector<protocol::ChannelPost> updates(const Channel& channel, std::string_view viewer,
                                             const protocol::ChannelUpdatesPage& asked) const;
  /// The device hears of counts for live_seconds.
  void watch(const DeviceKey& device, const Channel& channel);

 private:
  void tell(const Channel& channel, const ChannelEntry& entry, bool changed, const DeviceKey* spared);
  ChannelEntry* find_own(Channel& channel, const std::string& author, std::string_view id);
  void changed(const Channel& channel, ChannelEntry& entry);
  void counts_changed(const Channel& channel, ChannelEntry& entry);

  NetworkContext& c_;
  Delivery& delivery_;
  ChannelStore& store_;
  ChannelDesk& desk_;
  MessageAnswers& answers_;
  std::map<std::pair<Jid, DeviceKey>, std::uint64_t> watching_;  // until when, unix seconds; of this process
};

}  // namespace wharf::sandbox
