#include "protocol/channels/metadata.h"

#include <catch2/catch.hpp>

#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid channel("120363111111111111", server::newsletter);

std::optional<ChannelMetadata> read(std::string_view text) {
  return read_channel_metadata(parse_json(as_bytes(text)).value());
}

}  // namespace

TEST_CASE("metadata is read as servers write it, with numbers as texts") {
  const auto metadata = read(R"({"id":"120363111111111111@newsletter","state":{"type":"ACTIVE"},
    "thread_metadata":{"creation_time":"1700000000","name":{"text":"News","id":"1","update_time":"1700000001"},
      "description":{"text":"a\nb","id":"2","update_time":1700000002},
      "picture":{"id":"3","direct_path":"/m1/v/x?ccb=1","type":"IMAGE"},"preview":{"direct_path":"/p","type":"PREVIEW"},
      "invite":"0029VaABCDEF","handle":"news","subscribers_count":"42","verification":"VERIFIED",
      "settings":{"reaction_codes":{"value":"blocklist"}}},
    "viewer_metadata":{"role":"subscriber","mute":"ON"}})");
  REQUIRE(metadata->id == channel);
  REQUIRE(metadata->state == ChannelState::active);
  REQUIRE(metadata->name == "News");
  REQUIRE(metadata->description == "a\nb");
  REQUIRE(metadata->created_at == 1'700'000'000);
  REQUIRE(metadata->name_at == 1'700'000'001);
  REQUIRE(metadata->description_at == 1'700'000'002);
  REQUIRE(metadata->picture == ChannelPicture{"3", "/m1/v/x?ccb=1"});
  REQUIRE(metadata->preview == ChannelPicture{"", "/p"});
  REQUIRE(metadata->link() == "https://whatsapp.com/channel/0029VaABCDEF");
  REQUIRE(metadata->subscribers == 42);
  REQUIRE(metadata->verified);
  REQUIRE(metadata->reactions == ReactionCodes::blocklist);
  REQUIRE(metadata->role == ChannelRole::subscriber);
  REQUIRE(metadata->muted == true);
}

TEST_CASE("what is written is read again, full and bare") {
  ChannelMetadata full{.id = channel, .state = ChannelState::geosuspended};
  full.name = "News";
  full.description = "two\nlines";
  full.name_id = "1";
  full.description_id = "2";
  full.created_at = 1;
  full.name_at = 2;
  full.description_at = 3;
  full.picture = ChannelPicture{"3", "/a"};
  full.preview = ChannelPicture{"4", "/b"};
  full.invite = "0029VaABCDEF";
  full.handle = "news";
  full.subscribers = 5;
  full.verified = true;
  full.reactions = ReactionCodes::basic;
  full.role = ChannelRole::owner;
  full.muted = false;
  REQUIRE(read(write_json(channel_metadata_json(full))) == full);
  const ChannelMetadata bare{.id = channel};
  REQUIRE(read(write_json(channel_metadata_json(bare))) == bare);
  REQUIRE(bare.link().empty());
  for (std::uint8_t i = 0; i < 6; ++i) {
    const ChannelMetadata one{.id = channel, .state = static_cast<ChannelState>(i)};
    REQUIRE(read_channel_metadata(channel_metadata_json(one)) == one);
  }
}

TEST_CASE("names are read in either case, and those that are none are unknown") {
  for (std::uint8_t i = 0; i < 5; ++i) {
    REQUIRE(channel_role(name(static_cast<ChannelRole>(i))) == static_cast<ChannelRole>(i));
    REQUIRE(reaction_codes(name(static_cast<ReactionCodes>(i))) == static_cast<ReactionCodes>(i));
  }
  REQUIRE(channel_role("Admin") == ChannelRole::admin);
  REQUIRE(reaction_codes("aLL") == ReactionCodes::all);
  REQUIRE(channel_role("emperor") == ChannelRole::unknown);
  REQUIRE(name(static_cast<ChannelRole>(9)).empty());
}

TEST_CASE("what is of the wrong kind is left out, and without an id there is no channel") {
  REQUIRE_FALSE(read("{}"));
  REQUIRE_FALSE(read("[]"));
  REQUIRE_FALSE(read(R"({"id":"1@g.us"})"));
  REQUIRE_FALSE(read(R"({"id":5})"));
  const auto odd = read(R"({"id":"120363111111111111@newsletter","state":"ACTIVE","thread_metadata":{
    "name":"News","picture":{"id":"1","direct_path":"no path"},"preview":null,"invite":"a/../b","subscribers_count":-5,
    "verification":1,"settings":[]},"viewer_metadata":[]})");
  REQUIRE(*odd == ChannelMetadata{.id = channel});
  const auto listed = read(R"({"id":"120363111111111111@newsletter","viewer_metadata":{"settings":[
    {"type":"MUTE_ADMIN_ACTIVITY","value":"OFF"},{"type":"MUTE_FOLLOWER_ACTIVITY","value":"ON"}]}})");
  REQUIRE(listed->muted == true);
}

TEST_CASE("an invite is a code or a link with one") {
  REQUIRE(channel_invite("0029VaABCDEF") == "0029VaABCDEF");
  REQUIRE(channel_invite("https://whatsapp.com/channel/0029VaABCDEF?x=1") == "0029VaABCDEF");
  REQUIRE(channel_invite("https://whatsapp.com/channel/0029VaABCDEF/5") == "0029VaABCDEF");
  REQUIRE(channel_invite(std::string(64, 'a')));
  for (const std::string& bad :
       {std::string(), std::string("short"), std::string(65, 'a'), std::string("0029VaABC DEF"),
        std::string("https://evil.test/channel/0029VaABCDEF"), std::string("0029VaABC\xffX")})
    REQUIRE_FALSE(channel_invite(bad));
}
