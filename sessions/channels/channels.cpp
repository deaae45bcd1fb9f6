#include "sessions/channels/channels.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "events/json_writer.h"
#include "sessions/asking.h"
#include "sessions/channels/channel_knowledge.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::ChannelPost;
using protocol::ChannelRole;

namespace {

constexpr std::chrono::seconds mex_patience{static_cast<std::int64_t>(protocol::mex_timeout_seconds)};

Refusal refusal(const Node* answer, const Error& why) {
  Refusal out = server_refusal(answer, why, Subject::channel);
  // A document that WhatsApp does not know any more is no fault of who asked, whatever code it says so with.
  if (out.code == Errc::unsupported) {
    out.code = Errc::refused;
  } else if (const auto code = answer != nullptr ? protocol::mex_error_code(*answer) : std::nullopt) {
    if (const Errc said = errc_of_server(*code); said != Errc::refused) out.code = said;
  }
  return out;
}

/// What the account's role in the channel makes of a refusal; "" = nothing.
std::string_view why_forbidden(const ChannelRequest& request, ChannelRole role) {
  if (role == ChannelRole::owner && std::holds_alternative<protocol::UnfollowChannel>(request))
    return "who owns the channel cannot leave it, but delete it for everyone";
  const bool follows = role == ChannelRole::subscriber;
  if (follows && std::holds_alternative<protocol::UpdateChannel>(request))
    return "only admins of the channel may change it, and the account follows it";
  if ((follows || role == ChannelRole::admin) && std::holds_alternative<protocol::DeleteChannel>(request))
    return "only who owns the channel may delete it";
  return {};
}

/// This build knows no document for it.
Refusal cannot_be_asked(const Error& why) { return {Errc::refused, Subject::channel, why.detail}; }

std::string reactions_json(const std::vector<protocol::ReactionCount>& reactions) {
  events::JsonWriter out(reactions.size() * 40 + 8);
  out.begin_array();
  for (const protocol::ReactionCount& one : reactions)
    out.begin_object().text("emoji", one.code).number("count", static_cast<std::int64_t>(one.count)).end_object();
  return out.end_array().take();
}

}  // namespace

const protocol::MexDocuments& Channels::documents() {
  static const protocol::MexDocuments known;
  return known;
}

// --- what is known

std::optional<Channels::Metadata> Channels::known(const Jid& channel) const {
  const auto row = c_.records.find_channel(channel);
  if (!row) return std::nullopt;
  return metadata_of(*row);
}

void Channels::put(const Metadata& metadata, UnixMs learnt_at) {
  ++changes_;
  // Nobody has what is left or deleted: it is there again.
  if (auto* login = c_.link.login())
    if (const auto closed = login->closed_channels.find(metadata.id);
        closed != login->closed_channels.end() && closed->second != Closed::followed)
      login->closed_channels.erase(closed);
  storage::ChannelRow row{metadata.id, protocol::write_json(protocol::channel_metadata_json(metadata)), learnt_at};
  c_.records.add(storage::PutChannel{c_.id(), std::move(row)});
}

void Channels::remove(const Jid& channel) {
  ++changes_;
  stale_.erase(channel);
  if (auto* login = c_.link.login()) login->closed_channels.erase(channel);
  c_.records.add(storage::RemoveChannel{c_.id(), channel});
}

events::ChannelUpdated Channels::about(const Jid& channel, const char* change, const std::string& name) const {
  events::ChannelUpdated told;
  told.chat = channel;
  told.change = change;
  told.name = name;
  told.at = c_.now.unix_ms;
  return told;
}

void Channels::tell(const Metadata& channel, const char* change) { c_.emit(about(channel.id, change, channel.name)); }

Channels::Metadata Channels::learn(Metadata told) {
  const auto row = c_.records.find_channel(told.id);
  return row ? learn(std::move(told), *row) : told;
}

Channels::Metadata Channels::learn(Metadata told, const storage::ChannelRow& row) {
  const bool all = tells_all(told), was_stale = row.learnt_at == stale;
  const Metadata before = metadata_of(row);
  told = complete_with(std::move(told), before);
  const bool other = !same_but_followers(told, before);
  if (other || (all && was_stale) || far_apart(told.subscribers, before.subscribers))
    put(told, was_stale && !all ? stale : c_.now.unix_ms);
  if (other) tell(told, "metadata");
  return told;
}

void Channels::heed_role(const Metadata& told) {
  auto* login = c_.link.login();
  if (login == nullptr || told.role == ChannelRole::unknown || told.role == ChannelRole::guest) return;
  if (told.role == ChannelRole::subscriber) login->closed_channels.insert_or_assign(told.id, Closed::followed);
  else login->closed_channels.erase(told.id);
}

// --- all of them

ChannelList Channels::known_ones() const {
  ChannelList list;
  for (const storage::ChannelRow& row : c_.records.channels(max_channels)) list.channels.push_back(metadata_of(row));
  list.fresh = listed_;
  return list;
}

void Channels::list(Reply<ChannelList> reply) {
  if (listed_ || !c_.link.online()) return c_.answer(std::move(reply), known_ones());
  waiting_.push_back(std::move(reply));
  if (!listing_) ask_list();
}

void Channels::ask_list() {
  const auto iq =
      protocol::mex_iq(c_.ids.next(), documents(), protocol::channel_request(protocol::FetchFollowedChannels()));
  if (!iq) {
    for (auto& reply : std::exchange(waiting_, {})) c_.answer(std::move(reply), cannot_be_asked(iq.error()));
    return;
  }
  listing_ = true;
  list_again_.reset();
  c_.query(
      *iq, [this, dirty = dirty_, changes = changes_](const Node* answer) { on_list(answer, dirty, changes); },
      mex_patience);
}

void Channels::on_list(const Node* answer, const std::optional<std::string>& dirty, std::size_t changes) {
  listing_ = false;
  auto told = answer ? protocol::read_channels_answer(*answer) : Result<protocol::ChannelsTold>(no_answer());
  if (told) {
    // Else it says nothing of what has changed meanwhile, and may be the older of the two.
    listed_ = changes_ == changes && dirty_ == dirty;
    if (changes_ == changes) take_list(std::move(*told));
    if (listed_) list_delay_ = std::chrono::seconds(0);
    if (listed_ && dirty_)
      c_.query(protocol::clean_dirty_iq(c_.ids.next(), "newsletter_metadata", *std::exchange(dirty_, std::nullopt)),
               [](const Node*) {});
  }
  // What is known is better than an error.
  auto waiting = std::exchange(waiting_, {});
  const ChannelList list = waiting.empty() ? ChannelList() : known_ones();
  for (auto& reply : waiting) {
    if (!told && list.channels.empty()) c_.answer(std::move(reply), refusal(answer, told.error()));
    else c_.answer(std::move(reply), list);
  }
  if (!told) return;
  if (dirty_) ask_list_again();  // something came between
  if (!listing_) ask_stale();
}

void Channels::ask_list_again() {
  constexpr std::chrono::seconds first{1}, longest{3'600};
  const auto delay = std::exchange(list_delay_, std::clamp(list_delay_ * 2, first, longest));
  if (delay == std::chrono::seconds(0)) return ask_list();
  list_again_ = c_.now.steady + delay;
}

void Channels::on_due() {
  sayings_.on_due();
  if (is_due(list_again_, c_.now.steady) && c_.link.online() && !listing_) ask_list();
}

void Channels::take_list(protocol::ChannelsTold told) {
  std::map<Jid, storage::ChannelRow> before;
  for (storage::ChannelRow& row : c_.records.channels(max_channels)) {
    const Jid channel = row.channel;
    before.emplace(channel, std::move(row));
  }
  const bool first = before.empty();
  std::set<Jid> listed;
  for (Metadata& channel : told.channels) {
    if (!listed.insert(channel.id).second) continue;
    heed_role(channel);
    if (const auto row = before.find(channel.id); row != before.end()) {
      learn(std::move(channel), row->second);
    } else if (before.size() >= max_channels && c_.records.find_channel(channel.id)) {
      learn(std::move(channel));
    } else {
      put(channel, c_.now.unix_ms);
      if (!first) tell(channel, "followed");  // of the first list nothing is news
    }
  }
  // A row that cannot be read may be of any of the others.
  if (!told.whole) return on_rows_unread ? on_rows_unread(told.channels.size()) : void();
  for (const auto& [channel, row] : before) {
    if (listed.contains(channel)) continue;
    remove(channel);
    tell(metadata_of(row), "unfollowed");
  }
}

void Channels::on_dirty(const std::string& timestamp) {
  dirty_ = timestamp;
  listed_ = false;
  if (c_.link.online() && !listing_ && !list_again_) ask_list();
}

void Channels::on_online() {
  for (const storage::ChannelRow& row : c_.records.channels(max_channels))
    if (row.learnt_at == stale) stale_.insert(row.channel);
  if (dirty_ && !listing_) return ask_list();  // which tells of them too
  ask_stale();
}

// --- one by one

void Channels::refresh(const Jid& channel) {
  auto row = c_.records.find_channel(channel);
  if (!row) return;
  if (auto* login = c_.link.login()) login->closed_channels.erase(channel);
  ++changes_;
  if (row->learnt_at != stale) {
    row->learnt_at = stale;
    c_.records.add(storage::PutChannel{c_.id(), std::move(*row)});
  }
  if (const auto under_way = refreshing_.find(channel); under_way != refreshing_.end()) {
    under_way->second = true;
    return;
  }
  stale_.insert(channel);
  ask_stale();
}

void Channels::ask_stale() {
  // No more than these in one go: a question that finds no room is answered at once, and stays to be asked.
  for (std::size_t asked = 0; asked < most_refreshing && refreshing_.size() < most_refreshing;) {
    if (!c_.link.online() || stale_.empty()) return;
    const Jid channel = stale_.extract(stale_.begin()).value();
    const auto row = c_.records.find_channel(channel);
    if (!row || row->learnt_at != stale) continue;  // it was told meanwhile
    const auto iq =
        protocol::mex_iq(c_.ids.next(), documents(),
                         protocol::channel_request(protocol::FetchChannel{channel, ChannelRole::subscriber}));
    if (!iq) continue;
    ++asked;
    refreshing_.emplace(channel, false);
    c_.query(
        *iq, [this, channel](const Node* answer) { on_refreshed(channel, answer); }, mex_patience);
  }
}

void Channels::on_refreshed(const Jid& channel, const Node* answer) {
  const auto under_way = refreshing_.extract(channel);
  if (under_way.empty()) return;  // the connection has ended: over the next one it is asked for again
  auto told = answer ? read_answer_to(protocol::FetchChannel{channel, ChannelRole::subscriber}, *answer)
                     : Result<Metadata>(no_answer());
  if (!told && (answer == nullptr || told.error().code == Errc::rate_limited)) {
    stale_.insert(channel);  // with the next that is asked for
    return;
  }
  if (told) {
    heed_role(*told);
    learn(std::move(*told));
  }
  if (under_way.mapped()) refresh(channel);
  ask_stale();
}

// --- asked by users

void Channels::ask(AskChannel asked, Reply<ChannelAnswer> reply) {
  if (!c_.link.online()) {
    const auto* fetch = std::get_if<protocol::FetchChannel>(&asked.request);
    const Jid* named = fetch != nullptr ? std::get_if<Jid>(&fetch->key) : nullptr;
    auto metadata = named != nullptr ? known(*named) : std::nullopt;
    if (!metadata) return c_.answer(std::move(reply), not_connected());
    return c_.answer(std::move(reply), ChannelAnswer{std::move(*metadata), false});
  }
  const auto operation = std::visit([](const auto& one) { return protocol::ChannelOperation(one); }, asked.request);
  const auto iq = protocol::mex_iq(c_.ids.next(), documents(), protocol::channel_request(operation));
  if (!iq) return c_.answer(std::move(reply), cannot_be_asked(iq.error()));
  c_.query(
      *iq,
      [this, request = std::move(asked.request), reply = std::move(reply)](const Node* answer) mutable {
        if (answer == nullptr) return c_.answer(std::move(reply), no_answer());
        auto told = read_answer_to(request, *answer);
        if (!told) return c_.answer(std::move(reply), explained(request, refusal(answer, told.error())));
        heed_role(*told);
        auto now = std::visit([&](const auto& done) { return settle(done, std::move(*told)); }, request);
        c_.answer(std::move(reply), ChannelAnswer{std::move(now), true});
      },
      mex_patience);
}

Refusal Channels::explained(const ChannelRequest& request, Refusal why) const {
  const Jid* channel = std::visit(
      [](const auto& one) -> const Jid* {
        if constexpr (requires { one.channel; }) return &one.channel;
        else return nullptr;
      },
      request);
  const auto metadata = why.code == Errc::forbidden && channel != nullptr ? known(*channel) : std::nullopt;
  const std::string_view role = metadata ? why_forbidden(request, metadata->role) : std::string_view();
  if (!role.empty()) why.detail = std::string(role) + " (WhatsApp: " + why.detail + ")";
  return why;
}

Channels::Metadata Channels::settle(const protocol::FetchChannel&, Metadata told) { return learn(std::move(told)); }

Channels::Metadata Channels::settle(const protocol::CreateChannel& asked, Metadata told) {
  if (told.name.empty()) {
    told.name = asked.name;
    told.description = asked.description;
  }
  if (told.role == ChannelRole::unknown) told.role = ChannelRole::owner;
  const bool news = !known(told.id);
  put(told, c_.now.unix_ms);
  if (news) tell(told, "created");
  return told;
}

Channels::Metadata Channels::settle(const protocol::UpdateChannel& asked, Metadata told) {
  const auto row = c_.records.find_channel(told.id);
  if (!row) return told;
  if (told.name.empty()) {
    told = metadata_of(*row);
    if (asked.name) told.name = *asked.name;
    if (asked.description) told.description = *asked.description;
    if (asked.reactions) told.reactions = *asked.reactions;
    told.role = ChannelRole::unknown;  // WhatsApp has not said it again
  }
  return learn(std::move(told), *row);
}

Channels::Metadata Channels::settle(const protocol::DeleteChannel& asked, Metadata told) {
  Metadata now = leave(asked.channel, std::move(told), Closed::deleted);
  now.state = protocol::ChannelState::deleted;
  now.role = ChannelRole::unknown;  // nobody has one there
  return now;
}

Channels::Metadata Channels::settle(const protocol::UnfollowChannel& asked, Metadata told) {
  Metadata now = leave(asked.channel, std::move(told), Closed::left);
  now.role = ChannelRole::guest;
  return now;
}

Channels::Metadata Channels::leave(const Jid& channel, Metadata told, Closed how) {
  const auto before = known(channel);
  if (before) {
    remove(channel);
    tell(*before, how == Closed::deleted ? "deleted" : "unfollowed");
    told = complete_with(std::move(told), *before);
  }
  if (auto* login = c_.link.login()) login->closed_channels.insert_or_assign(channel, how);
  told.muted.reset();  // which it was of who followed it
  return told;
}

Channels::Metadata Channels::settle(const protocol::FollowChannel& asked, Metadata told) {
  const auto before = known(asked.channel);
  if (before) return learn(std::move(told));
  if (told.role == ChannelRole::unknown || told.role == ChannelRole::guest) told.role = ChannelRole::subscriber;
  put(told, c_.now.unix_ms);
  tell(told, "followed");
  if (told.name.empty()) refresh(asked.channel);
  return told;
}

Channels::Metadata Channels::settle(const protocol::MuteChannel& asked, Metadata told) {
  hear(protocol::ChannelMuted{asked.channel, asked.muted});
  told.muted = asked.muted;
  const auto now = known(asked.channel);
  return now ? *now : told;
}

void Channels::read_posts(const protocol::ChannelPage& page, Reply<std::vector<ChannelPost>> reply) {
  sessions::ask(
      c_, protocol::channel_history_iq(c_.ids.next(), page), refusal,
      [this, named = page.channel](const Node& answer) {
        auto posts = protocol::read_channel_history(answer, c_.unix_seconds());
        const auto* channel = std::get_if<Jid>(&named);
        if (posts && channel != nullptr) heed(*channel, *posts);
        return posts;
      },
      std::move(reply));
}

void Channels::read_updates(const protocol::ChannelUpdatesPage& page, Reply<std::vector<ChannelPost>> reply) {
  sessions::ask(
      c_, protocol::channel_updates_iq(c_.ids.next(), page), refusal,
      [this, channel = page.channel](const Node& answer) {
        auto posts = protocol::read_channel_updates(answer, c_.unix_seconds());
        if (posts) heed(channel, *posts);
        return posts;
      },
      std::move(reply));
}

void Channels::heed(const Jid& channel, const std::vector<ChannelPost>& posts) {
  const std::size_t most = std::min(posts.size(), max_posts_of_page);
  for (std::size_t i = 0; i < most; ++i) post_changes_.on_seen(channel, posts[i], c_.server_ms());
}

void Channels::watch(const Jid& channel, Reply<std::uint64_t> reply) {
  sessions::ask(c_, protocol::channel_live_iq(c_.ids.next(), channel), refusal, protocol::read_channel_live,
                std::move(reply));
}

void Channels::react(const ReactInChannel& reaction, Reply<void> reply) {
  sayings_.say(reaction.channel,
               protocol::channel_message(c_.ids.next(), reaction.channel,
                                         protocol::ReactToPost{reaction.server_id, reaction.emoji}),
               std::move(reply));
}

void Channels::view(const ViewPosts& posts, Reply<void> reply) {
  if (posts.server_ids.empty()) return c_.answer(std::move(reply), Outcome<>());
  if (posts.server_ids.size() > max_viewed)
    return c_.answer(std::move(reply), Error(Errc::too_large, "at most 256 posts at once"));
  sayings_.say(posts.channel, protocol::channel_view_receipt(c_.ids.next(), posts.channel, posts.server_ids),
               std::move(reply));
}

void Channels::on_link_down() {
  // The server calls dirty again what is not clean, and the rows say what is stale.
  listed_ = false;
  dirty_.reset();
  list_delay_ = std::chrono::seconds(0);
  list_again_.reset();
  stale_.clear();
  refreshing_.clear();
  sayings_.on_link_down();
}

// --- notifications

void Channels::on_notification(const Node& notification) {
  const std::string type = notification.attr("type");
  if (type != "newsletter" && type != "mex") return;
  const protocol::NotificationReader reader{c_.device.jid, c_.device.lid, c_.unix_seconds()};
  for (const protocol::NotificationEvent& event : protocol::read_notification(notification, reader))
    std::visit([this](const auto& change) { hear(change); }, event);
}

void Channels::hear(const protocol::ChannelMessageUpdated& update) {
  const protocol::ChannelCounts& counts = update.counts;
  events::ChannelUpdated told = about(update.channel, "counts", {});
  told.server_id = std::to_string(counts.server_id);
  if (counts.views) told.views = static_cast<UnixMs>(*counts.views);
  told.reactions = reactions_json(counts.reactions);
  const std::size_t said = std::hash<std::string>{}((counts.views ? std::to_string(*counts.views) : std::string("-")) +
                                                    " " + *told.reactions);
  if (counts_.size() >= most_counts) counts_.clear();
  auto& last = counts_[{update.channel, counts.server_id}];
  if (std::exchange(last, said) == said) return;  // it came again
  if (const auto channel = known(update.channel)) told.name = channel->name;
  c_.emit(std::move(told));
}

void Channels::hear(const protocol::ChannelJoined& joined) {
  if (known(joined.channel)) return;
  // Its role is not told: a channel that is made elsewhere is joined too.
  Metadata channel;
  channel.id = joined.channel;
  put(channel, stale);
  tell(channel, "followed");
  refresh(joined.channel);
}

void Channels::hear(const protocol::ChannelLeft& left) {
  const auto before = known(left.channel);
  if (before) leave(left.channel, *before, Closed::left);
}

void Channels::hear(const protocol::ChannelChanged& changed) { refresh(changed.channel); }

void Channels::hear(const protocol::ChannelMuted& muted) {
  const auto row = c_.records.find_channel(muted.channel);
  if (!row) return;
  Metadata channel = metadata_of(*row);
  if (channel.muted == muted.muted) return;
  channel.muted = muted.muted;
  put(channel, row->learnt_at);
  tell(channel, muted.muted ? "muted" : "unmuted");
}

}  // namespace wharf::sessions
