#include "protocol/media/media_retry.h"

#include <catch2/catch.hpp>
#include <map>

#include "protocol/messages/wire.h"
#include "tests/support/node_json.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::canonical;
using wharf::test::hex;
using wharf::test::node_from_json;
using wharf::test::ScriptedRandom;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& retry_vectors() { return vectors("media-retry").as_object(); }
MediaKey media_key() { return exactly<32>(hex(retry_vectors().at("mediaKey"))).value(); }
std::string id() { return std::string(text(retry_vectors(), "stanzaId")); }

const Jid own("15559999", server::user);
const RetriedMessage one_to_one{Jid("15550001", server::user), false, std::nullopt};
const RetriedMessage in_group{Jid("12036300000000", server::group), false, Jid("15550002", server::user)};
constexpr std::uint64_t sent_at = 1'760'000'000;

/// These vectors write bytes as "contentHex" beside the tag.
boost::json::value with_hex_content(const boost::json::value& value) {
  boost::json::object node = value.as_object();
  if (const auto* bytes = node.if_contains("contentHex")) node["content"] = boost::json::object{{"hex", *bytes}};
  if (auto* content = node.if_contains("content"); content != nullptr && content->is_array()) {
    for (auto& child : content->get_array()) child = with_hex_content(child);
  }
  return node;
}
Node vector_node(const boost::json::value& value) { return node_from_json(with_hex_content(value)); }

MediaRetryNotification sealed_notification(std::string_view notification_id, ByteView payload, ByteView iv) {
  MediaRetryNotification notification;
  notification.id = notification_id;
  notification.sealed = {to_bytes(payload), exactly<12>(iv).value()};
  return notification;
}

/// A notification node whose protobuf is `plain`, sealed as a phone would.
Node notification_with(ByteView plain) {
  const AesKey key = hkdf_sha256<32>(media_key(), {}, as_bytes("WhatsApp Media Retry Notification"));
  constexpr GcmIv iv{1, 2, 3};
  Node encrypt("encrypt");
  encrypt.add(Node("enc_p").bytes(gcm_seal(key, iv, plain, as_bytes(id())))).add(Node("enc_iv").bytes(iv));
  Node node("notification");
  node.set("from", own).set("type", "mediaretry").set("id", id()).add(std::move(encrypt));
  return node;
}

Result<MediaRetryAnswer> opened(const Node& node) {
  const auto notification = read_media_retry_notification(node);
  if (!notification) return notification.error();
  return open_media_retry(*notification, media_key());
}

}  // namespace

TEST_CASE("the request receipts of the vectors are built: chat, group and history blob") {
  const auto& request = retry_vectors().at("request").as_object();
  struct Case {
    const char* name;
    std::optional<RetriedMessage> message;
  };
  for (const Case& each : {Case{"receiptNodeOneToOne", one_to_one}, Case{"receiptNodeGroup", in_group},
                           Case{"receiptNodeHistory", std::nullopt}}) {
    ScriptedRandom random(hex(request.at("iv")));
    const Node receipt = media_retry_receipt(id(), own.with_device(7), each.message, media_key(), random);
    REQUIRE(canonical(receipt) == canonical(vector_node(request.at(each.name))));
    REQUIRE(random.drained());

    // The phone's side reads it back.
    const auto read = read_media_retry_receipt(receipt);
    REQUIRE(read.value().id == id());
    REQUIRE(read->message == each.message);
    REQUIRE(check_media_retry_request(*read, media_key()));
    MediaKey other = media_key();
    other[0] ^= 1;
    REQUIRE(check_media_retry_request(*read, other).error().code == Errc::bad_mac);
  }
}

TEST_CASE("the answers of the vectors are read and built") {
  const auto& responses = retry_vectors().at("responses").as_array();
  REQUIRE(responses.size() == 5);
  std::size_t sealed = 0;
  for (const auto& entry : responses) {
    const auto& object = entry.as_object();
    CAPTURE(text(object, "name"));
    if (!object.contains("plaintextHex")) {  // the bare error
      const Node node = vector_node(object.at("notification"));
      const auto notification = read_media_retry_notification(node);
      REQUIRE(notification.value().error_code == 2u);
      REQUIRE(notification->message == one_to_one);
      REQUIRE(open_media_retry(*notification, media_key()).value().outcome == MediaRetryOutcome::not_found);
      REQUIRE(canonical(media_retry_error(id(), own, sent_at, one_to_one, MediaRetryOutcome::not_found)) ==
              canonical(node));
      continue;
    }
    ++sealed;
    const auto outcome = static_cast<MediaRetryOutcome>(object.at("result").as_int64());
    Bytes payload, iv;
    if (object.contains("notification")) {
      const Node node = vector_node(object.at("notification"));
      payload = to_bytes(*node.child("encrypt")->child_data("enc_p"));
      iv = to_bytes(*node.child("encrypt")->child_data("enc_iv"));
      REQUIRE(read_media_retry_notification(node).value().message == one_to_one);
    } else {
      payload = hex(object.at("encPHex"));
      iv = hex(object.at("encIvHex"));
    }
    const auto answer = open_media_retry(sealed_notification(id(), payload, iv), media_key());
    REQUIRE(answer.value().outcome == outcome);
    REQUIRE(answer->direct_path == text(object, "directPath"));
    REQUIRE(answer->message_secret.empty());

    ScriptedRandom random(iv);
    const Node built = media_retry_notification(id(), own, sent_at, one_to_one, *answer, media_key(), random);
    REQUIRE(equal(*built.child("encrypt")->child_data("enc_p"), payload));
    if (object.contains("notification")) REQUIRE(canonical(built) == canonical(vector_node(object.at("notification"))));
  }
  REQUIRE(sealed == 4);
}

TEST_CASE("the answers of the vectors that must fail are refused by the check they name") {
  const auto& bad = retry_vectors().at("mustFail").as_array();
  REQUIRE(bad.size() == 7);
  const std::map<std::string_view, Errc> codes = {{"auth", Errc::bad_mac},
                                                  {"bad-iv-length", Errc::malformed},
                                                  {"stanza-id-mismatch", Errc::conflict},
                                                  {"missing-direct-path", Errc::malformed}};
  for (const auto& entry : bad) {
    const auto& object = entry.as_object();
    CAPTURE(text(object, "name"));
    Node encrypt("encrypt");
    encrypt.add(Node("enc_p").bytes(hex(object.at("encPHex")))).add(Node("enc_iv").bytes(hex(object.at("encIvHex"))));
    Node node("notification");
    node.set("from", own).set("type", "mediaretry").set("id", text(object, "notificationId")).add(std::move(encrypt));
    REQUIRE(opened(node).error().code == codes.at(text(object, "mustFailWith")));
  }
}

TEST_CASE("every byte of a sealed answer counts") {
  ScriptedRandom random(Bytes(12, 5));
  const MediaRetryAnswer answer{MediaRetryOutcome::success, "/v/x", {}};
  const Node node = media_retry_notification(id(), own, sent_at, one_to_one, answer, media_key(), random);
  const auto good = read_media_retry_notification(node).value();
  REQUIRE(open_media_retry(good, media_key()).value().direct_path == "/v/x");
  for (std::size_t at = 0; at < good.sealed.payload.size(); ++at) {
    auto bad = good;
    bad.sealed.payload[at] ^= 1;
    REQUIRE(open_media_retry(bad, media_key()).error().code == Errc::bad_mac);
    bad = good;
    bad.sealed.payload.resize(at);
    REQUIRE(open_media_retry(bad, media_key()).error().code == Errc::bad_mac);
  }
}

TEST_CASE("a sealed answer must be the protobuf of this message") {
  const auto with_fields = [](std::string_view path, std::uint64_t result, ByteView secret) {
    Bytes plain;
    append_field(plain, 1, as_bytes(id()));
    append_field(plain, 2, as_bytes(path));
    append_varint(plain, 3u << 3);
    append_varint(plain, result);
    append_field(plain, 4, secret);
    append_field(plain, 99, as_bytes("of a later version"));
    return plain;
  };
  const auto success = opened(notification_with(with_fields("/v/x", 1, Bytes(32, 9))));
  REQUIRE(success.value().direct_path == "/v/x");
  REQUIRE(success->message_secret == Bytes(32, 9));
  REQUIRE(opened(notification_with(with_fields("/v/x", 1, Bytes(31, 9)))).value().message_secret.empty());
  REQUIRE(opened(notification_with(with_fields("v/x", 1, {}))).error().code == Errc::malformed);
  REQUIRE(opened(notification_with(with_fields("/v/x\r\n", 1, {}))).error().code == Errc::malformed);
  const auto unknown = opened(notification_with(with_fields("/v/x", 77, Bytes(32, 9))));
  REQUIRE(unknown.value().outcome == MediaRetryOutcome::general_error);
  REQUIRE(unknown->direct_path.empty());

  Bytes cut = with_fields("/v/x", 1, {});
  cut.pop_back();
  REQUIRE(opened(notification_with(cut)).error().code == Errc::malformed);
  REQUIRE(opened(notification_with({})).error().code == Errc::conflict);  // names no message
}

TEST_CASE("stanzas that lack a part are refused and the sealed part is bounded") {
  const auto changed = [](auto change) {
    Node node = notification_with(as_bytes("x"));
    change(node);
    return read_media_retry_notification(node);
  };
  REQUIRE(changed([](Node&) {}));
  REQUIRE_FALSE(changed([](Node& node) { node.tag = "receipt"; }));
  REQUIRE_FALSE(changed([](Node& node) { node.set("type", "devices"); }));
  REQUIRE_FALSE(changed([](Node& node) { node.set("id", ""); }));
  REQUIRE_FALSE(changed([](Node& node) { node.content = {}; }));
  REQUIRE_FALSE(changed([](Node& node) { node.add(Node("rmr").set("jid", "not a jid@@")); }));
  const auto payload_of = [&](std::size_t bytes) {
    return changed([&](Node& node) {
      std::get<std::vector<Node>>(node.content).at(0) =
          Node("encrypt").add(Node("enc_p").bytes(Bytes(bytes))).add(Node("enc_iv").bytes(Bytes(12)));
    });
  };
  REQUIRE(payload_of(16 * 1024));
  REQUIRE(payload_of(16 * 1024 + 1).error().code == Errc::too_large);
  REQUIRE(payload_of(0).error().code == Errc::malformed);
  REQUIRE(read_media_retry_receipt(Node("receipt").set("id", "A").set("type", "read")).error().code == Errc::malformed);
}

TEST_CASE("only in groups does a participant say whose message it is") {
  RetriedMessage claimed = one_to_one;
  claimed.participant = Jid("15550009", server::user);
  ScriptedRandom random(Bytes(12, 5));
  Node receipt = media_retry_receipt(id(), own, claimed, media_key(), random);
  REQUIRE_FALSE(receipt.child("rmr")->has("participant"));
  receipt = Node("receipt").set("id", id()).set("type", "server-error").add(*receipt.child("encrypt"));
  receipt.add(Node("rmr").set("jid", one_to_one.chat).set("from_me", "true").set("participant", *claimed.participant));
  const auto read = read_media_retry_receipt(receipt).value();
  REQUIRE(read.message->from_me);
  REQUIRE_FALSE(read.message->participant);
}

TEST_CASE("a bare error is never a success") {
  for (const auto& [code, outcome] :
       std::vector<std::pair<const char*, MediaRetryOutcome>>{{"0", MediaRetryOutcome::general_error},
                                                              {"1", MediaRetryOutcome::general_error},
                                                              {"2", MediaRetryOutcome::not_found},
                                                              {"3", MediaRetryOutcome::decryption_error},
                                                              {"4", MediaRetryOutcome::general_error},
                                                              {"99999999999", MediaRetryOutcome::general_error},
                                                              {"x", MediaRetryOutcome::general_error}}) {
    Node node("notification");
    node.set("from", own).set("type", "mediaretry").set("id", id()).add(Node("error").set("code", code));
    REQUIRE(opened(node).value().outcome == outcome);
  }
}
