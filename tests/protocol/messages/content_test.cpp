#include "protocol/messages/content.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <utility>

#include "protocol/messages/message_shape.h"
#include "protocol/messages/padding.h"
#include "protocol/messages/stanza_kind.h"
#include "protocol/messages/wire.h"
#include "protocol/proto/message.pb.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
namespace wire = wharf::wire;
using wharf::test::hex;
using wharf::test::ScriptedRandom;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& root() { return vectors("messages").as_object(); }

Bytes vector_message(std::string_view kind) {
  for (const auto& entry : root().at("cases").as_array()) {
    if (text(entry.as_object(), "kind") == kind) return hex(entry.at("hex"));
  }
  throw std::runtime_error("no message vector " + std::string(kind));
}

/// What each vector must be recognised as, with its text.
struct Expected {
  MessageKind kind;
  const char* text;
};
const std::map<std::string, Expected, std::less<>> expectations = {
    {"conversation", {MessageKind::text, "hello"}},
    {"conversation_with_secret", {MessageKind::text, "hello"}},
    {"extended_text_link_preview", {MessageKind::text, "see https://example.org/a"}},
    {"extended_text_quote_mention", {MessageKind::text, "hi @100000000000003"}},
    {"extended_text_forwarded", {MessageKind::text, "fwd"}},
    {"image", {MessageKind::image, "a cat"}},
    {"video_gif", {MessageKind::gif, ""}},
    {"audio_ptt", {MessageKind::voice, ""}},
    {"document_with_caption", {MessageKind::document, "the paper"}},
    {"sticker", {MessageKind::sticker, ""}},
    {"location", {MessageKind::location, ""}},
    {"live_location", {MessageKind::live_location, "here"}},
    {"contact", {MessageKind::contact, "Ann"}},
    {"contacts_array", {MessageKind::contacts, "2 contacts"}},
    {"reaction", {MessageKind::reaction, "\xF0\x9F\x91\x8D"}},
    {"reaction_remove", {MessageKind::reaction, ""}},
    {"poll_v3_single", {MessageKind::poll, "Tea?"}},
    {"poll_v1_multi", {MessageKind::poll, "Which?"}},
    {"poll_update", {MessageKind::poll_vote, ""}},
    {"revoke_own", {MessageKind::revoke, ""}},
    {"revoke_admin", {MessageKind::revoke, ""}},
    {"edit_wrapped", {MessageKind::edit, "new text"}},
    {"edit_plain", {MessageKind::edit, "new text"}},
    {"ephemeral_setting", {MessageKind::disappearing, ""}},
    {"pin", {MessageKind::pin, ""}},
    {"keep", {MessageKind::unknown, ""}},
    {"view_once_v2", {MessageKind::image, ""}},
    {"ephemeral_wrapper", {MessageKind::text, "gone soon"}},
    {"group_invite", {MessageKind::group_invite, "join us"}},
    {"event", {MessageKind::event, "Picnic"}},
    {"album_parent", {MessageKind::album, ""}},
    {"album_child", {MessageKind::image, ""}},
    {"list", {MessageKind::unknown, ""}},
    {"list_response", {MessageKind::interactive_reply, "one"}},
    {"buttons_response", {MessageKind::interactive_reply, "Yes"}},
    {"device_sent", {MessageKind::text, "hello"}},
    {"app_state_key_request", {MessageKind::protocol, ""}},
    {"placeholder_resend_request", {MessageKind::protocol, ""}},
    {"history_on_demand_request", {MessageKind::protocol, ""}},
    {"enc_reaction", {MessageKind::sealed, ""}},
    {"member_label", {MessageKind::protocol, ""}},
};

Bytes wrapped(Bytes message, std::uint32_t wrapper, int times) {
  for (int i = 0; i < times; ++i) {
    Bytes inner, outer;
    append_field(inner, 1, message);
    append_field(outer, wrapper, inner);
    message = std::move(outer);
  }
  return message;
}

}  // namespace

TEST_CASE("every message vector is read as its kind with its text") {
  const auto& cases = root().at("cases").as_array();
  REQUIRE(cases.size() == 41);
  REQUIRE(expectations.size() == 41);
  for (const auto& entry : cases) {
    const std::string_view kind = text(entry.as_object(), "kind");
    INFO(kind);
    const auto message = parse_message(hex(entry.at("hex")));
    REQUIRE(message);
    const Expected& expected = expectations.find(kind)->second;
    REQUIRE(name(message->kind) == std::string_view(name(expected.kind)));
    REQUIRE(message->text == expected.text);
    REQUIRE(message->has_content);
  }
}

TEST_CASE("every message vector survives our schema: unknown fields are kept when it is encoded again") {
  for (const auto& entry : root().at("cases").as_array()) {
    INFO(text(entry.as_object(), "kind"));
    const Bytes bytes = hex(entry.at("hex"));
    wire::message::Message message;
    REQUIRE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    const Bytes again = to_bytes(message.SerializeAsString());
    // Unknown fields move behind known ones, so the order is free; what must hold is that nothing is lost or changed.
    REQUIRE(again.size() == bytes.size());
    const auto first = parse_message(bytes), second = parse_message(again);
    REQUIRE(second);
    REQUIRE(first->kind == second->kind);
    REQUIRE(first->text == second->text);
    REQUIRE(first->mentions == second->mentions);
  }
}

namespace {

// The address sanitizer keeps what was freed for a while: there the peak tells nothing.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool memory_is_given_back = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool memory_is_given_back = false;
#else
constexpr bool memory_is_given_back = true;
#endif
#else
constexpr bool memory_is_given_back = true;
#endif

/// Peak of this process' memory over what it had before, in bytes.
template <class Work>
std::size_t peak_over(Work work) {
  const auto line = [](std::string_view name) {
    std::ifstream status("/proc/self/status");
    for (std::string text; std::getline(status, text);) {
      if (text.starts_with(name)) return std::stoull(text.substr(name.size())) * 1024;
    }
    throw std::runtime_error("/proc/self/status");
  };
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts again
  const auto before = line("VmRSS:");
  work();
  const auto peak = line("VmHWM:");
  return peak > before ? peak - before : 0;
}

/// `count` fields `number` of `value`, in the length-delimited field `around`.
Bytes flood(std::uint32_t around, std::uint32_t number, std::size_t count, std::string_view value = {}) {
  Bytes entry, entries, out;
  append_field(entry, number, as_bytes(value));
  for (std::size_t i = 0; i < count; ++i) append(entries, entry);
  append_field(out, around, entries);
  return out;
}

}  // namespace

TEST_CASE("a flood of entries costs a few times its own size, and only so many of them are read") {
  constexpr std::size_t count = 1'000'000;
  Bytes mentions, keys;
  append_field(mentions, field_number::extended_text, flood(17, 15, count));
  Bytes share{0x10, 6};  // type: APP_STATE_SYNC_KEY_SHARE
  append(share, flood(7, 1, count));
  append_field(keys, field_number::protocol_message, share);
  for (const Bytes& message : {mentions, keys}) {
    std::optional<IncomingMessage> read;
    const std::size_t peak = peak_over([&] { read = parse_message(message).value(); });
    if (memory_is_given_back) CHECK(peak < 12 * message.size());
    CHECK(read->app_state_keys.size() <= 4096);
  }
  Bytes people;
  append_field(people, field_number::extended_text, flood(17, 15, 5'000, "100000000000001@lid"));
  CHECK(parse_message(people)->mentions.size() == 4096);
}

TEST_CASE("wrappers without a message inside cost what their bytes cost") {
  // Looked into one by one, each of them against the whole: this case would not end today.
  Bytes message{0x0a, 2, 'h', 'i'};
  for (const std::uint32_t number : {40u, 31u, 58u, 103u}) {
    for (int i = 0; i < 30'000; ++i) append_field(message, number, {});
  }
  const auto read = parse_message(message);
  REQUIRE(read);
  CHECK(read->text == "hi");
  CHECK(quotable(message).size() == message.size());
}

TEST_CASE("a message is kept byte for byte through deviceSent and future-proof wrappers") {
  const Jid peer("100000000000002", server::lid);
  for (const auto& entry : root().at("cases").as_array()) {
    INFO(text(entry.as_object(), "kind"));
    const Bytes bytes = hex(entry.at("hex"));
    const Bytes inner = parse_message(bytes).value().encoded;
    const auto copy = parse_message(wrap_device_sent(bytes, peer));
    REQUIRE(copy);
    REQUIRE(copy->was_device_sent);
    REQUIRE(copy->device_sent_to == peer);
    REQUIRE(copy->encoded == inner);
    REQUIRE(parse_message(wrapped(bytes, 40, 2)).value().encoded == inner);
  }
}

TEST_CASE("what the message vectors accept is accepted with the tree they name") {
  const auto& cases = root().at("accept").as_array();
  REQUIRE(cases.size() == 8);
  int checked = 0;
  for (const auto& entry : cases) {
    INFO(text(entry.as_object(), "name"));
    const Bytes bytes = hex(entry.at("hex"));
    const auto message = parse_message(bytes);
    REQUIRE(message);
    REQUIRE(message->encoded == bytes);
    if (const auto* display = entry.as_object().if_contains("displayText")) {
      REQUIRE(message->text == display->as_string());
      ++checked;
      continue;
    }
    const auto& tree = entry.at("message").as_object();
    if (const auto* conversation = tree.if_contains("conversation")) {
      REQUIRE(message->text == conversation->as_string());
    } else if (const auto* extended = tree.if_contains("extendedTextMessage")) {
      // The merged sub-message holds the text of the first and the title of the second occurrence.
      REQUIRE(message->text == extended->at("text").as_string());
      const Bytes merged = merged_field(bytes, 6).value();
      REQUIRE(as_text(*bytes_field(merged, 6)) == extended->at("title").as_string());
    } else if (const auto* protocol = tree.if_contains("protocolMessage")) {
      REQUIRE(message->protocol_type == protocol->at("type").as_int64());
    } else {
      REQUIRE(tree.empty());
      REQUIRE_FALSE(message->has_content);
      REQUIRE(message->kind == MessageKind::unknown);
    }
    ++checked;
  }
  REQUIRE(checked == 8);
}

TEST_CASE("what the message vectors refuse is malformed") {
  const auto& cases = root().at("mustFail").as_array();
  REQUIRE(cases.size() == 9);
  for (const auto& entry : cases) {
    INFO(text(entry.as_object(), "name"));
    REQUIRE(parse_message(hex(entry.at("hex"))).error().code == Errc::malformed);
  }
}

TEST_CASE("built text is the vector's bytes: conversation, and extended text when it quotes or mentions") {
  const Bytes secret = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  ScriptedRandom random;
  random.push(secret);
  random.push(secret);
  const OutgoingMessage plain = build_text({"hello", {}, {}}, random);
  REQUIRE(plain.encoded == vector_message("conversation_with_secret"));
  REQUIRE(equal(*plain.secret, secret));

  const auto received = parse_message(vector_message("extended_text_quote_mention")).value();
  TextContent reply;
  reply.text = received.text;
  reply.mentions = received.mentions;
  reply.quote = received.quote;
  REQUIRE(reply.quote);
  REQUIRE(reply.mentions.size() == 1);
  const OutgoingMessage quoted = build_text(reply, random);
  // The vector has no secret: ours is the same message followed by messageContextInfo.
  const Bytes context = hex("9a02241a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f4002");
  REQUIRE(quoted.encoded == concat(vector_message("extended_text_quote_mention"), context));
}

TEST_CASE("wrapping for own devices is the vector's deviceSentMessage and moves the secret outward too") {
  const Jid peer("100000000000002", server::lid);
  REQUIRE(wrap_device_sent(vector_message("conversation"), peer) == vector_message("device_sent"));

  SeededRandom random(5);
  const OutgoingMessage text = build_text({"hi", {}, {}}, random);
  const Bytes envelope = wrap_device_sent(text.encoded, peer.with_device(3));
  REQUIRE(merged_field(envelope, 35) == merged_field(text.encoded, 35));
  const auto copy = parse_message(envelope).value();
  REQUIRE(copy.device_sent_to == peer);
  REQUIRE(copy.secret == text.secret);
  REQUIRE(copy.encoded == text.encoded);
}

TEST_CASE("a quote and mentions come back from a received reply") {
  SeededRandom random(6);
  const Bytes original = build_text({"original", {}, {}}, random).encoded;
  TextContent reply{
      "yes @1", {Jid("1", server::lid, 4)}, Quote{"3EB0AA", Jid("2", server::lid, 9), quotable(original)}};
  const auto read = parse_message(build_text(reply, random).encoded).value();
  REQUIRE(read.kind == MessageKind::text);
  REQUIRE(read.mentions == std::vector<Jid>{Jid("1", server::lid)});
  REQUIRE(read.quote);
  REQUIRE(read.quote->id == "3EB0AA");
  REQUIRE(read.quote->author == Jid("2", server::lid));
  REQUIRE(read.quote->message == hex("0a086f726967696e616c"));
}

TEST_CASE("a quotable message carries neither its own quote nor its secret nor a sender key") {
  SeededRandom random(7);
  const TextContent reply{"second", {}, Quote{"3EB0AA", Jid("2", server::lid), hex("0a0161")}};
  Bytes message = build_text(reply, random).encoded;
  append_field(message, 2, hex("0a0167"));
  const Bytes quoted = quotable(wrapped(message, 40, 1));
  REQUIRE(quoted == hex("32080a067365636f6e64"));
  REQUIRE(quotable(hex("0a05")).empty());
}

TEST_CASE("up to ten wrappers are looked through, eleven are malformed") {
  const Bytes hello = hex("0a0568656c6c6f");
  const auto ten = parse_message(wrapped(hello, 40, 10));
  REQUIRE(ten.value().encoded == hello);
  REQUIRE(parse_message(wrapped(hello, 40, 11)).error().code == Errc::malformed);
}

TEST_CASE("nesting is bounded where it is followed, also inside quotes") {
  // extendedText.contextInfo.quotedMessage: three levels each.
  const auto quoting = [](int levels) {
    Bytes message = hex("0a0161");
    for (int i = 0; i < levels; ++i) {
      Bytes context, text, outer;
      append_field(context, 3, message);
      append_field(text, 17, context);
      append_field(outer, 6, text);
      message = std::move(outer);
    }
    return message;
  };
  REQUIRE(parse_message(quoting(21)));  // 63 levels
  REQUIRE(parse_message(quoting(22)).error().code == Errc::malformed);
}

TEST_CASE("groups are skipped when paired and bounded in depth") {
  const auto groups = [](int depth) {
    Bytes message = hex("0a0161");
    for (int i = 0; i < depth; ++i) append(message, hex("a306"));  // field 100, start
    for (int i = 0; i < depth; ++i) append(message, hex("a406"));  // field 100, end
    return message;
  };
  REQUIRE(parse_message(groups(64)).value().text == "a");
  REQUIRE(parse_message(groups(65)).error().code == Errc::malformed);
  REQUIRE(parse_message(groups(200'000)).error().code == Errc::malformed);
  REQUIRE_FALSE(parse_message(hex("0a0161a306")));      // never closed
  REQUIRE_FALSE(parse_message(hex("0a0161a306ac06")));  // closed by another number
}

TEST_CASE("a message over 16 MiB is too large") {
  Bytes message;
  append_field(message, 1, Bytes(max_message_bytes, 'a'));
  REQUIRE(parse_message(message).error().code == Errc::too_large);
}

TEST_CASE("every vector cut at each byte is refused or read, never misread past its end") {
  for (const auto& entry : root().at("cases").as_array()) {
    const Bytes whole = hex(entry.at("hex"));
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const auto message = parse_message(ByteView(whole).first(length));
      if (message) REQUIRE(message->encoded.size() <= length);
      else REQUIRE(message.error().code == Errc::malformed);
    }
  }
}

TEST_CASE("a sender key distribution alone is no content, with content it rides along") {
  Bytes distribution, alone;
  append_field(distribution, 1, to_bytes("120363000000000001@g.us"));
  append_field(distribution, 2, hex("3308"));
  append_field(alone, 2, distribution);
  const auto only = parse_message(alone).value();
  REQUIRE(only.kind == MessageKind::sender_key_only);
  REQUIRE_FALSE(only.has_content);
  REQUIRE(only.sender_key_distribution == hex("3308"));
  REQUIRE(only.sender_key_group == "120363000000000001@g.us");

  const auto both = parse_message(concat(alone, wrapped(hex("0a0161"), 40, 1))).value();
  REQUIRE(both.kind == MessageKind::text);
  REQUIRE(both.text == "a");
  REQUIRE(both.sender_key_distribution == hex("3308"));
}

TEST_CASE("a sender key alone is written as in the vector and read back through the padding") {
  const auto& file = vectors("sender-key").as_object();
  const Jid group = Jid::parse(text(file, "group")).value();
  const Bytes distribution = hex(file.at("skdmIteration0"));
  const Bytes carrier = with_sender_key({}, group, distribution);
  REQUIRE(to_hex(carrier) == text(file, "wrappedMessage"));

  SeededRandom random(8);
  const Bytes padded = pad_message(carrier, random);
  const auto read = parse_message(unpad_message(padded).value()).value();
  REQUIRE(read.kind == MessageKind::sender_key_only);
  REQUIRE_FALSE(read.has_content);
  REQUIRE(read.sender_key_distribution == distribution);
  REQUIRE(read.sender_key_group == "120363000000000001@g.us");
  REQUIRE(without_sender_key(carrier).empty());
}

TEST_CASE("a sender key beside a message changes nothing that the message says") {
  SeededRandom random(9);
  const Bytes distribution = hex("3308");
  const TextContent reply{"second", {}, Quote{"3EB0AA", Jid("2", server::lid), hex("0a0161")}};
  for (const Bytes& message : {build_text({"plain", {}, {}}, random).encoded, build_text(reply, random).encoded}) {
    const Bytes carrier = with_sender_key(message, Jid("status", server::broadcast), distribution);
    const auto read = parse_message(carrier).value();
    const auto alone = parse_message(message).value();
    REQUIRE(read.kind == MessageKind::text);
    REQUIRE(read.text == alone.text);
    REQUIRE(read.secret == alone.secret);
    REQUIRE(read.quote.has_value() == alone.quote.has_value());
    REQUIRE(read.sender_key_distribution == distribution);
    REQUIRE(read.sender_key_group == "status@broadcast");
    REQUIRE(without_sender_key(carrier) == message);

    std::uint32_t last = 0;
    WireReader reader(carrier);
    while (const auto field = reader.next()) REQUIRE(field->number > std::exchange(last, field->number));
    REQUIRE_FALSE(reader.failed());
  }
}

TEST_CASE("both kinds of sender keys are taken off a message; what is malformed stays as it is") {
  Bytes message = hex("0a0161");
  append_field(message, 15, hex("0a0167"));
  append_field(message, 2, hex("0a0167"));
  append_field(message, 200, hex("0102"));
  Bytes rest = hex("0a0161");
  append_field(rest, 200, hex("0102"));
  REQUIRE(without_sender_key(message) == rest);
  REQUIRE(without_sender_key(hex("12020a")) == hex("12020a"));
  REQUIRE(without_sender_key({}).empty());
}

TEST_CASE("the secret of the inner message wins, one of another length is ignored") {
  const auto with_secret = [](Bytes message, std::size_t length, std::uint8_t fill) {
    Bytes info;
    append_field(info, 3, Bytes(length, fill));
    append_field(message, 35, info);
    return message;
  };
  const Bytes inner = with_secret(hex("0a0161"), 32, 1);
  REQUIRE(parse_message(with_secret(wrapped(inner, 40, 1), 32, 2)).value().secret->front() == 1);
  REQUIRE(parse_message(with_secret(wrapped(hex("0a0161"), 40, 1), 32, 2)).value().secret->front() == 2);
  REQUIRE_FALSE(parse_message(with_secret(hex("0a0161"), 31, 1)).value().secret);
}

TEST_CASE("app state keys shared by the phone are read back") {
  const std::vector<IncomingMessage::AppStateKey> keys = {{hex("000000001234"), Bytes(32, 9), 1'700'000'000'000},
                                                          {hex("000000001235"), Bytes(32, 8), 0}};
  const auto read = parse_message(build_app_state_key_share(keys)).value();
  REQUIRE(read.kind == MessageKind::protocol);
  REQUIRE(read.protocol_type == 6);
  REQUIRE(read.app_state_keys.size() == 2);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    REQUIRE(read.app_state_keys[i].id == keys[i].id);
    REQUIRE(read.app_state_keys[i].data == keys[i].data);
    REQUIRE(read.app_state_keys[i].timestamp == keys[i].timestamp);
  }
}

TEST_CASE("a protocol message with key and without type is a revoke") {
  Bytes key, body, message;
  append_field(key, 3, to_bytes("3EB0AA"));
  append_field(body, 1, key);
  append_field(message, 12, body);
  const auto read = parse_message(message).value();
  REQUIRE(read.kind == MessageKind::revoke);
  REQUIRE(read.protocol_type == 0);
}

TEST_CASE("type and mediatype follow the table of 03 section 4.3") {
  const std::map<std::string, std::pair<std::string, std::string>, std::less<>> media = {
      {"extended_text_link_preview", {"media", "url"}},
      {"image", {"media", "image"}},
      {"video_gif", {"media", "gif"}},
      {"audio_ptt", {"media", "ptt"}},
      {"document_with_caption", {"media", "document"}},
      {"sticker", {"media", "sticker"}},
      {"location", {"media", "location"}},
      {"live_location", {"media", "livelocation"}},
      {"contact", {"media", "vcard"}},
      {"contacts_array", {"media", "contact_array"}},
      {"reaction", {"reaction", ""}},
      {"reaction_remove", {"reaction", ""}},
      {"enc_reaction", {"reaction", ""}},
      {"poll_v3_single", {"poll", ""}},
      {"poll_v1_multi", {"poll", ""}},
      {"poll_update", {"poll", ""}},
      {"view_once_v2", {"media", "image"}},
      {"group_invite", {"media", "url"}},
      {"event", {"event", ""}},
      {"album_child", {"media", "image"}},
      {"list", {"media", "list"}},
      {"list_response", {"media", "list_response"}},
      {"buttons_response", {"media", "buttons_response"}}};
  std::size_t found = 0;
  for (const auto& entry : root().at("cases").as_array()) {
    const std::string_view kind = text(entry.as_object(), "kind");
    INFO(kind);
    const auto row = media.find(kind);
    found += row != media.end();
    const StanzaKind read = stanza_kind(hex(entry.at("hex")));
    REQUIRE(read.type == (row == media.end() ? "text" : row->second.first));
    REQUIRE(read.media_type == (row == media.end() ? "" : row->second.second));
  }
  REQUIRE(found == media.size());
  REQUIRE(stanza_kind(hex("0a05")).type == "text");
}
