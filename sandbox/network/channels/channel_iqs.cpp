#include "sandbox/network/channels/channel_iqs.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

/// Ids of documents that other clients still ask by (05 section 8.1).
constexpr std::pair<std::string_view, std::string_view> older[] = {
    {"8823471724422422", "CreateNewsletter"},
    {"6234210096708695", "CreateNewsletter"},
    {"6563316087068696", "FetchNewsletter"},
    {"6388546374527196", "FetchAllNewslettersMetadata"},
};

constexpr std::string_view words(unsigned code) {
  if (code == 404) return "Newsletter not found";
  return code == 403 ? "Forbidden" : "Bad request";
}

/// Answers one operation; what is not simulated says nothing.
struct Answer {
  NetworkContext& c;
  ChannelStore& store;
  ChannelDesk& desk;
  const Origin& origin;
  const Node& iq;
  bool& answered;

  const std::string& phone() const { return origin.key.phone; }
  void send(const Node& answer) const { c.send(origin.key, answer_of(iq, answer)); }
  void refuse(unsigned code) const { send(protocol::mex_error_answer(iq, code, words(code))); }
  void tell(const protocol::ChannelOperation& operation, const Channel* channel) const {
    if (channel == nullptr) return send(protocol::channel_answer(iq, operation, std::nullopt));
    send(protocol::channel_answer(iq, operation, channel->metadata_for(phone())));
  }
  void settle(const protocol::ChannelOperation& operation, const Jid& id, ChannelRefusal refusal) const {
    if (refusal) return refuse(*refusal);
    tell(operation, store.find(id));
  }

  void operator()(const protocol::CreateChannel& o) const {
    if (o.name.empty()) return refuse(400);
    Channel* channel = desk.create(origin.party, o, &origin.key);
    if (channel == nullptr) return refuse(400);
    tell(o, channel);
  }
  void operator()(const protocol::UpdateChannel& o) const {
    settle(o, o.channel, desk.update(origin.party, o, &origin.key));
  }
  void operator()(const protocol::DeleteChannel& o) const {
    settle(o, o.channel, desk.remove(origin.party, o.channel, &origin.key));
  }
  void operator()(const protocol::FetchChannel& o) const { tell(o, store.find(o.key)); }
  void operator()(const protocol::FetchFollowedChannels&) const {
    send(protocol::channels_answer(iq, desk.followed_by(origin.party)));
  }
  void operator()(const protocol::FollowChannel& o) const {
    settle(o, o.channel, desk.follow(origin.party, o.channel, &origin.key));
  }
  void operator()(const protocol::UnfollowChannel& o) const {
    settle(o, o.channel, desk.unfollow(origin.party, o.channel, &origin.key));
  }
  void operator()(const protocol::MuteChannel& o) const {
    if (o.as_admin) return settle(o, o.channel, std::nullopt);  // taken, and not kept
    settle(o, o.channel, desk.mute(origin.party, o.channel, o.muted, &origin.key));
  }
  template <class NotSimulated>
  void operator()(const NotSimulated&) const {
    answered = false;
  }
};

}  // namespace

ChannelIqs::ChannelIqs(NetworkContext& context, ChannelStore& store, ChannelDesk& desk, ChannelPosts& posts)
    : c_(context), store_(store), desk_(desk), posts_(posts) {}

std::optional<protocol::ChannelOperation> ChannelIqs::operation_of(const Node& iq) const {
  auto query = protocol::read_mex_query(iq);
  if (!query) return std::nullopt;
  auto operation = documents_.operation(query->document);
  const auto known =
      std::find_if(std::begin(older), std::end(older), [&](const auto& one) { return one.first == query->document; });
  if (!operation && known != std::end(older)) operation = known->second;
  if (!operation) return std::nullopt;
  return protocol::read_channel_request({std::string(*operation), std::move(query->variables)});
}

bool ChannelIqs::on_mex(const Origin& origin, const Node& iq) {
  const auto operation = operation_of(iq);
  if (!operation) return false;
  bool answered = true;
  std::visit(Answer{c_, store_, desk_, origin, iq, answered}, *operation);
  return answered;
}

bool ChannelIqs::on_newsletter(const Origin& origin, const Node& iq) {
  const auto missing = [&] { c_.send(origin.key, error_of(iq, 404, "item-not-found")); };
  const std::string& phone = origin.key.phone;
  if (const auto asked = protocol::read_channel_history_query(iq)) {
    const Channel* channel = store_.find(asked->channel);
    if (channel == nullptr) return missing(), true;
    const auto posts = posts_.page(*channel, phone, asked->count, asked->before, asked->after);
    c_.send(origin.key, answer_of(iq, protocol::channel_history_answer(iq, channel->id, posts)));
    return true;
  }
  if (const auto asked = protocol::read_channel_updates_query(iq)) {
    const Channel* channel = store_.find(asked->channel);
    if (channel == nullptr) return missing(), true;
    const auto posts = posts_.updates(*channel, phone, *asked);
    c_.send(origin.key, answer_of(iq, protocol::channel_updates_answer(iq, channel->id, posts)));
    return true;
  }
  if (const auto asked = protocol::read_channel_live_query(iq)) {
    const Channel* channel = store_.find(*asked);
    if (channel == nullptr) return missing(), true;
    posts_.watch(origin.key, *channel);
    c_.send(origin.key, answer_of(iq, protocol::channel_live_answer(iq, ChannelPosts::live_seconds)));
    return true;
  }
  return false;
}

}  // namespace wharf::sandbox
