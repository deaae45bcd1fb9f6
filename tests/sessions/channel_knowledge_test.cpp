// What an answer or a list adds to what is known of a channel.
#include "sessions/channels/channel_knowledge.h"

#include <catch2/catch.hpp>

#include "protocol/mex/json.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::ChannelMetadata;
using protocol::ChannelRole;

namespace {

const Jid news("120363000000000009", "newsletter");

ChannelMetadata known() {
  ChannelMetadata out;
  out.id = news;
  out.state = protocol::ChannelState::active;
  out.name = "News";
  out.invite = "abcdefghijklmnop";
  out.subscribers = 300;
  out.role = ChannelRole::owner;
  out.muted = true;
  return out;
}

}  // namespace

TEST_CASE("an answer that names the channel alone takes nothing away of what is known") {
  ChannelMetadata told;
  told.id = news;
  CHECK(complete_with(told, known()) == known());
  told.role = ChannelRole::admin;
  told.muted = false;
  told.state = protocol::ChannelState::suspended;
  ChannelMetadata now = known();
  now.role = ChannelRole::admin;
  now.muted = false;
  now.state = protocol::ChannelState::suspended;
  CHECK(complete_with(told, known()) == now);
}

TEST_CASE("what is told of a channel stands, but for what whoever looks as a guest is not told") {
  ChannelMetadata told;
  told.id = news;
  told.name = "Other news";
  told.role = ChannelRole::guest;
  ChannelMetadata now = complete_with(told, known());
  CHECK(now.name == "Other news");
  CHECK(now.role == ChannelRole::owner);
  CHECK(now.muted == true);
  CHECK(now.subscribers == 300);
  CHECK(now.invite == "abcdefghijklmnop");
  told.role = ChannelRole::subscriber;
  CHECK(complete_with(told, known()).role == ChannelRole::subscriber);
}

TEST_CASE("nothing is left open by a name and a role of the account's own") {
  CHECK(tells_all(known()));
  ChannelMetadata told = known();
  told.role = ChannelRole::guest;
  CHECK_FALSE(tells_all(told));
  told = known();
  told.name.clear();
  CHECK_FALSE(tells_all(told));
}

TEST_CASE("counts of followers are far apart from more than one in a hundred on") {
  CHECK_FALSE(far_apart(std::nullopt, std::nullopt));
  CHECK(far_apart(0, std::nullopt));
  CHECK_FALSE(far_apart(300, 303));
  CHECK(far_apart(300, 304));
  CHECK(far_apart(304, 300));
  ChannelMetadata more = known();
  more.subscribers = 9'000;
  CHECK(same_but_followers(more, known()));
  more.muted = false;
  CHECK_FALSE(same_but_followers(more, known()));
}

TEST_CASE("a row is the channel that was put there, and of one that cannot be read the id is left") {
  const auto row = [](std::string json) { return storage::ChannelRow{news, std::move(json), 1}; };
  CHECK(metadata_of(row(protocol::write_json(protocol::channel_metadata_json(known())))) == known());
  ChannelMetadata unreadable;
  unreadable.id = news;
  CHECK(metadata_of(row("{")) == unreadable);
}
