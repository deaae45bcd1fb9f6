#pragma once
// A real Session that sends messages with files, of which only the announcements exist: no test here touches bytes.

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/messages.h"
#include "storage/outbox.h"
#include "tests/sessions/sending.h"
#include "tests/support/media_files.h"

namespace wharf::test {

using namespace wharf::sessions;
using Fixture = SessionFixture;

inline const Jid carl("15550000003", "s.whatsapp.net");
inline const protocol::UploadAnswer uploaded{"https://mmg.example.net/v/t62/x.enc?a=1", "/v/t62/x.enc?a=1", "", "", ""};
using Why = TransferFailure::Why;

/// An image of which only the announcement exists.
inline SendMessage picture(const Jid& to = ben, std::uint8_t mark = 1) {
  SendMedia media;
  media.content.kind = protocol::MessageKind::image;
  media.content.caption = "look";
  auto& file = media.content.file;
  file.mimetype = "image/png";
  file.length = 1'000;
  file.sha256.assign(32, mark);
  file.enc_sha256.assign(32, mark + 1);
  file.key.assign(32, mark + 2);
  file.key_at = 1'700'000'000;
  media.upload =
      media_name(*protocol::read_media_reference(file.key, file.enc_sha256, file.sha256), protocol::MediaKind::image);
  SendMessage out;
  out.chat = to;
  out.content = std::move(media);
  return out;
}

template <class Kind>
std::vector<Kind*> all(std::vector<Effect>& effects) {
  std::vector<Kind*> found;
  for (Effect& effect : effects) {
    if (auto* one = std::get_if<Kind>(&effect)) found.push_back(one);
  }
  return found;
}

inline std::string asks_for_hosts(const std::vector<Effect>& effects) {
  for (const Node& node : Fixture::sent(effects)) {
    if (node.child("media_conn")) return node.attr("id");
  }
  return {};
}

struct Files : Fixture {
  Files() {
    befriend(ben);
    befriend(carl);
  }
  std::vector<Effect> answer_hosts(const std::vector<Effect>& asked, const char* auth = "token") {
    Node answer("iq");
    answer.set("type", "result").set("id", asks_for_hosts(asked)).set("from", "s.whatsapp.net");
    Node conn("media_conn");
    conn.set("auth", auth).set("ttl", "3600").set("auth_ttl", "3600").set("max_buckets", "12");
    conn.add(Node("host").set("hostname", "mmg.example.net"));
    answer.add(std::move(conn));
    return stanza(std::move(answer));
  }
  template <class Start, class Result>
  std::vector<Effect> finish(std::vector<Effect>& effects, Result result) {
    auto started = all<Start>(effects);
    REQUIRE(started.size() == 1);
    auto then = std::make_shared<decltype(started[0]->then)>(std::move(started[0]->then));
    return call([then, result]() mutable { (*then)(std::move(result)); });
  }
  std::vector<Effect> upload_ends(std::vector<Effect>& effects, Transferred<protocol::UploadAnswer> result) {
    return finish<StartUpload>(effects, std::move(result));
  }
  /// What the turn does in which the session comes online.
  std::vector<Effect> come_online() {
    std::vector<Input> up;
    up.emplace_back(LinkUp{{}, false, session->link_epoch()});
    turn(std::move(up));
    auto success = stanza(Node("success").set("t", "1700000000").set("lid", Jid("100000000000001", "lid", 3)));
    std::vector<Effect> online;
    for (const Node& node : sent(success)) {
      if (node.child("active")) online = stanza(Node("iq").set("id", node.attr("id")).set("type", "result"));
    }
    return online;
  }
  std::string error_of(const std::string& id) {
    return storage::find_message_by_id(store->reader(), row.id, id, true)->error;
  }
};

}  // namespace wharf::test
