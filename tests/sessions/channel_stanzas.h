#pragma once
// Channels of an account, what WhatsApp says of them, and their posts.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/messages/building.h"
#include "storage/channels.h"
#include "tests/sessions/people_stanzas.h"

namespace wharf::test {

inline const Jid news("120363000000000009", "newsletter"), other("120363000000000010", "newsletter");

inline protocol::ChannelMetadata channel(const Jid& id, std::string name,
                                         protocol::ChannelRole role = protocol::ChannelRole::subscriber) {
  protocol::ChannelMetadata out;
  out.id = id;
  out.state = protocol::ChannelState::active;
  out.name = std::move(name);
  out.invite = "abcdefghijklmnop";
  out.subscribers = 3;
  out.role = role;
  out.muted = false;
  return out;
}

inline protocol::ChannelOperation operation(const Node& iq) {
  const auto query = protocol::read_mex_query(iq);
  REQUIRE(query);
  static const protocol::MexDocuments documents;  // its names are views into it
  const auto name = documents.operation(query->document);
  REQUIRE(name);
  auto read = protocol::read_channel_request({std::string(*name), query->variables});
  REQUIRE(read);
  return std::move(*read);
}

inline Node tells(const Node& iq, const std::optional<protocol::ChannelMetadata>& metadata) {
  return protocol::channel_answer(iq, operation(iq), metadata);
}

inline Node notice(const std::string& id, const protocol::NotificationEvent& event) {
  return protocol::notification_stanza({id, 1'700'000'000, Jid("15550000001", "s.whatsapp.net")}, event);
}

inline Node post(const std::string& id, std::uint64_t server_id, const std::string& text) {
  protocol::SeededRandom random{5};
  protocol::ChannelPost out;
  out.counts.server_id = server_id;
  out.id = id;
  out.type = "text";
  out.at = 1'700'000'001;
  out.message = protocol::quotable(protocol::build_message(text, {}, random).encoded);
  return protocol::channel_post_stanza(news, out);
}

struct ChannelFixture : PeopleFixture {
  using PeopleFixture::PeopleFixture;
  std::vector<std::string> changes() {
    std::vector<std::string> out;
    for (const auto& told : told_of<events::ChannelUpdated>()) out.push_back(told.change);
    return out;
  }
  std::optional<storage::ChannelRow> kept(const Jid& id) { return storage::find_channel(store->reader(), row.id, id); }
  /// The account follows it, or has it.
  void know(const protocol::ChannelMetadata& metadata) {
    const auto list = ask(ListChannels{});
    REQUIRE(list.asked.size() == 1);
    hear(protocol::channels_answer(list.asked[0], {metadata}));
    REQUIRE(list.answer().has_value());
  }
};

/// The mex questions among these.
inline std::vector<Node> questions(std::vector<Node> nodes) {
  std::erase_if(nodes, [](const Node& node) { return !protocol::read_mex_query(node); });
  return nodes;
}

/// With what time the server's mark on channels is cleaned, "" when it is not.
inline std::string cleaned(const std::vector<Node>& nodes) {
  for (const Node& node : nodes)
    if (const Node* clean = node.child("clean"); clean != nullptr && clean->attr("type") == "newsletter_metadata")
      return clean->attr("timestamp");
  return {};
}

inline Node dirty(const char* timestamp) {
  return Node("ib").add(Node("dirty").set("type", "newsletter_metadata").set("timestamp", timestamp));
}

inline Node changed(const std::string& id, const Jid& which) {
  return notice(id, protocol::ChannelChanged{which, "NotificationNewsletterUpdate"});
}

inline SendMessage text_to(const Jid& chat) {
  SendMessage out = SessionFixture::text("hello");
  out.chat = chat;
  return out;
}

}  // namespace wharf::test
