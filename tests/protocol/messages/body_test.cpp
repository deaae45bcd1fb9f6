#include "protocol/messages/body.h"

#include <catch2/catch.hpp>
#include <limits>

#include "protocol/messages/building.h"
#include "protocol/messages/media_location.h"
#include "protocol/messages/message_shape.h"
#include "protocol/messages/stanza_kind.h"
#include "protocol/messages/wire.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;

using wharf::test::text;
using wharf::test::vectors;

namespace {

Bytes vector_message(std::string_view kind) {
  for (const auto& entry : vectors("messages").as_object().at("cases").as_array())
    if (text(entry.as_object(), "kind") == kind) return hex(entry.at("hex"));
  throw std::runtime_error("no message vector " + std::string(kind));
}

IncomingMessage read(std::string_view kind) { return parse_message(vector_message(kind)).value(); }
template <class Body>
Body body(std::string_view kind) {
  const IncomingMessage message = read(kind);
  INFO(kind);
  REQUIRE(std::holds_alternative<Body>(message.body));
  return std::get<Body>(message.body);
}

/// Without messageContextInfo: its secret is drawn anew each time.
Bytes content(const Bytes& message) {
  Bytes out;
  WireReader reader(message);
  while (const auto field = reader.next())
    if (field->number != field_number::message_context_info) append(out, field->whole);
  return out;
}

Random& any() {
  static SeededRandom random(1);
  return random;
}
Bytes built(const OutgoingBody& body, const MessageFrame& frame = MessageFrame()) {
  return content(build_message(body, frame, any()).encoded);
}

const Jid ann("100000000000002", "lid"), carl("100000000000003", "lid"), group("120363000000000001", "g.us");

}  // namespace

TEST_CASE("locations, cards, polls, events and invites are read from the vectors and written as they stand there") {
  const auto place = body<Location>("location");
  CHECK(place == Location{52.52, 13.405, true, "Berlin", "Germany", "", false, 0});
  CHECK(built(place) == vector_message("location"));
  CHECK(body<Location>("live_location") == Location{52.52, 13.405, true, "here", "", "", true, 20});

  const auto card = body<Contacts>("contact");
  REQUIRE(card.cards.size() == 1);
  CHECK(card.cards[0].name == "Ann");
  CHECK(built(card) == vector_message("contact"));
  const auto cards = body<Contacts>("contacts_array");
  REQUIRE(cards.cards.size() == 2);
  CHECK(cards.cards[1].vcard == "BEGIN:VCARD\nVERSION:3.0\nFN:Bob\nEND:VCARD");
  CHECK(built(cards) == vector_message("contacts_array"));

  const auto single = body<Poll>("poll_v3_single"), multi = body<Poll>("poll_v1_multi");
  CHECK(single == Poll{"Tea?", {"yes", "no"}, 1});
  CHECK(built(single) == content(vector_message("poll_v3_single")));
  CHECK(multi == Poll{"Which?", {"a", "b", "c"}, 0});
  CHECK(built(multi) == content(vector_message("poll_v1_multi")));

  const auto event = body<CalendarEvent>("event");
  CHECK(event.name == "Picnic");
  CHECK(event.starts_at == 1'760'100'000);
  CHECK(event.extra_guests);
  CHECK(built(event) == content(vector_message("event")));

  const auto invite = body<GroupInvite>("group_invite");
  CHECK(invite == GroupInvite{"120363000000000001@g.us", "AbCdEfGh", "Test", 1'760'500'000, "join us"});
  CHECK(built(invite) == vector_message("group_invite"));
  CHECK(body<Album>("album_parent") == Album{2, 0});
  CHECK(built(Album{2, 0}) == vector_message("album_parent"));
}

TEST_CASE("what is said about another message names it, and is written as in the vectors") {
  const auto reaction = body<Reaction>("reaction");
  CHECK(reaction.target == MessageKey{"3EB0BBBBBBBBBBBBBBBBBB", false, group, carl});
  CHECK(reaction.text == "\xF0\x9F\x91\x8D");
  CHECK(reaction.at_ms == 1'760'000'000'123);
  CHECK(build_reaction(reaction).encoded == vector_message("reaction"));
  CHECK(build_reaction(body<Reaction>("reaction_remove")).encoded == vector_message("reaction_remove"));

  const auto vote = body<PollVote>("poll_update");
  CHECK(vote.payload == Bytes{0xaa, 0xbb});
  CHECK(build_vote(vote).encoded == vector_message("poll_update"));

  const auto revoke = body<Revoke>("revoke_own");
  CHECK(revoke.target == MessageKey{"3EB0AAAAAAAAAAAAAAAAAA", true, ann, std::nullopt});
  CHECK(content(build_revoke(revoke.target, any()).encoded) == vector_message("revoke_own"));

  for (const char* kind : {"edit_plain", "edit_wrapped"}) {
    const auto edit = body<Edit>(kind);
    CHECK(edit.target == MessageKey{"3EB0AAAAAAAAAAAAAAAAAA", true, ann, std::nullopt});
    CHECK(edit.text == "new text");
    const Bytes original = vector_message("conversation");
    CHECK(content(build_edit(edit.target, edit.text, original, {}, edit.at_ms, any()).encoded) ==
          vector_message("edit_plain"));
  }

  const auto pin = body<Pin>("pin");
  CHECK(pin.pinned);
  CHECK(pin.duration_s == 604'800);
  CHECK(content(build_pin(pin, any()).encoded) == content(vector_message("pin")));
}

TEST_CASE("a file is read with everything that its download needs, and written as in the vectors") {
  struct Case {
    const char* vector;
    MessageKind kind;
  };
  for (const Case& c : {Case{"image", MessageKind::image}, Case{"video_gif", MessageKind::gif},
                        Case{"audio_ptt", MessageKind::voice}, Case{"sticker", MessageKind::sticker}}) {
    INFO(c.vector);
    const IncomingMessage message = read(c.vector);
    CHECK(message.kind == c.kind);
    const auto& file = std::get<MediaFile>(message.body);
    CHECK(file.key == Bytes(32, 0x11));
    CHECK(file.sha256 == Bytes(32, 0x22));
    CHECK(file.direct_path == "/v/t62.7118-24/1_2_n.enc?ccb=11-4&oh=x&oe=y");
    const Bytes again = built(MediaContent{c.kind, file, message.text});
    if (c.kind != MessageKind::gif) CHECK(again == vector_message(c.vector));  // it names where the gif came from
    CHECK(std::get<MediaFile>(parse_message(again)->body) == file);
    CHECK(parse_message(again)->kind == c.kind);
  }
  const IncomingMessage document = read("document_with_caption");
  const auto& file = std::get<MediaFile>(document.body);
  CHECK(document.text == "the paper");
  CHECK_FALSE(file.file_name.empty());
  CHECK(built(MediaContent{MessageKind::document, file, document.text}) == vector_message("document_with_caption"));
  MessageFrame once;
  once.view_once = true;
  const auto seen_once = parse_message(build_message(MediaContent{MessageKind::image, file, ""}, once, any()).encoded);
  REQUIRE(seen_once);
  CHECK(seen_once->traits.view_once);
  CHECK(read("view_once_v2").traits.view_once);
  CHECK_FALSE(read("image").traits.view_once);
}

TEST_CASE("a picture or a video of a channel may say where it stands by itself") {
  const auto with = [](const char* vector, std::uint32_t body_field, std::uint32_t field) {
    Bytes more;
    append_field(more, field, as_bytes("https://static.whatsapp.net/v/x.jpg"));
    Bytes message = vector_message(vector);
    append_field(message, body_field, more);  // merged with what stands there
    const auto read = parse_message(message);
    REQUIRE(read);
    return std::get<MediaFile>(read->body).static_url;
  };
  CHECK(with("image", field_number::image, 29) == "https://static.whatsapp.net/v/x.jpg");
  CHECK(with("video_gif", field_number::video, 24) == "https://static.whatsapp.net/v/x.jpg");
  CHECK(std::get<MediaFile>(read("image").body).static_url.empty());
}

TEST_CASE("a message takes over the upload of another one with the same file, and keeps what is said around it") {
  for (const MessageKind kind : {MessageKind::image, MessageKind::video, MessageKind::gif, MessageKind::video_note,
                                 MessageKind::audio, MessageKind::voice, MessageKind::document, MessageKind::sticker}) {
    INFO(name(kind));
    MediaFile own;
    own.mimetype = "x/own";
    own.url = own.direct_path = "/own";
    own.length = 5;
    own.sha256 = Bytes(32, 1);
    own.enc_sha256 = Bytes(32, 2);
    own.key = Bytes(32, 3);
    own.key_at = 1'700'000'000;
    own.seconds = kind == MessageKind::audio ? 7 : 0;
    MediaFile other = own;
    other.mimetype = "x/other";
    other.url = "https://mmg.whatsapp.net/there?a=1";
    other.direct_path = "/there?a=1";
    other.enc_sha256 = Bytes(32, 4);
    other.key = Bytes(32, 5);
    other.key_at = 1'690'000'000;
    const bool streams = kind == MessageKind::video || kind == MessageKind::audio;
    if (streams) {
      own.sidecar = Bytes(10, 6);
      other.sidecar = Bytes(20, 7);
    }
    Bytes announced = built(MediaContent{kind, other, "theirs"});
    if (kind == MessageKind::video) announced = with_media_place(announced, {other.url, other.direct_path, "meta", 0});
    const std::string caption = kind == MessageKind::image || kind == MessageKind::document ? "ours" : "";
    const Bytes taken = with_upload_of(built(MediaContent{kind, own, caption}), announced);

    MediaFile wanted = own;
    wanted.url = other.url;
    wanted.direct_path = other.direct_path;
    wanted.enc_sha256 = other.enc_sha256;
    wanted.key = other.key;
    wanted.key_at = other.key_at;
    wanted.sidecar = other.sidecar;
    if (kind != MessageKind::video) {
      CHECK(taken == built(MediaContent{kind, wanted, caption}));
    } else {
      CHECK(taken ==
            with_media_place(built(MediaContent{kind, wanted, caption}), {other.url, other.direct_path, "meta", 0}));
    }
  }
  // Of another kind the keys are others.
  MediaFile file;
  file.key = Bytes(32, 3);
  const Bytes image = built(MediaContent{MessageKind::image, file, ""});
  CHECK(with_upload_of(image, built(MediaContent{MessageKind::document, file, ""})) == image);
  CHECK(with_upload_of(image, vector_message("conversation")) == image);
}

TEST_CASE("what was chosen in a list or with a button is shown with its id") {
  CHECK(read("list_response").kind == MessageKind::interactive_reply);
  CHECK(read("list_response").text == "one");
  CHECK(body<Choice>("list_response").id == "1");
  CHECK(read("buttons_response").text == "Yes");
  CHECK(body<Choice>("buttons_response").id == "b1");
}

TEST_CASE("a kind that nobody here renders is known by its name") {
  CHECK(read("list").kind == MessageKind::unknown);
  CHECK(read("list").unknown_name == "listMessage");
  Bytes newer;
  append_field(newer, 9'999, as_bytes("x"));
  CHECK(parse_message(newer)->unknown_name == "field 9999");
}

TEST_CASE("an edit of a caption keeps the file") {
  const Bytes original = read("image").encoded;
  const auto edit = parse_message(build_edit({"ID12345678", true, ann, {}}, "better", original, {}, 5, any()).encoded);
  REQUIRE(edit);
  const auto& body = std::get<Edit>(edit->body);
  CHECK(body.text == "better");
  const auto inner = parse_message(body.message);
  REQUIRE(inner);
  CHECK(inner->text == "better");
  CHECK(std::get<MediaFile>(inner->body) == std::get<MediaFile>(read("image").body));
}

TEST_CASE("an edit of a text brings its own preview or none") {
  const LinkPreview preview{"https://example.org/b", "Other", "Words", {0xff, 0xd8, 0xff, 0xd9}};
  const Bytes original = read("extended_text_link_preview").encoded;
  const auto edited = [&](const std::optional<LinkPreview>& given) {
    const auto edit = parse_message(
        build_edit({"ID12345678", true, ann, {}}, "see https://example.org/b", original, {}, 5, any(), given).encoded);
    auto inner = parse_message(std::get<Edit>(edit->body).message);
    CHECK(inner->text == "see https://example.org/b");
    return inner->body;
  };
  CHECK(std::get<LinkPreview>(edited(preview)) == preview);
  CHECK(std::holds_alternative<std::monostate>(edited({})));
}

TEST_CASE("a forwarded message says how often it was, and quotes and mentions nobody") {
  const auto forwarded = [&](const Bytes& stored, bool own) {
    const auto again = parse_message(build_forward(stored, std::nullopt, own, MessageFrame(), any()).encoded);
    REQUIRE(again);
    CHECK(again->traits.forwarded);
    CHECK_FALSE(again->quote);
    CHECK(again->mentions.empty());
    return *again;
  };
  CHECK(forwarded(vector_message("conversation"), false).text == "hello");
  CHECK(forwarded(vector_message("conversation"), false).traits.forwarding_score == 1);
  CHECK(forwarded(vector_message("conversation"), true).traits.forwarding_score == 0);
  CHECK(forwarded(vector_message("extended_text_forwarded"), false).traits.forwarding_score == 2);
  CHECK(forwarded(vector_message("extended_text_quote_mention"), false).text == "hi @100000000000003");
  const auto image = forwarded(vector_message("image"), false);
  CHECK(std::get<MediaFile>(image.body) == std::get<MediaFile>(read("image").body));
  CHECK(forwarded(vector_message("poll_v3_single"), false).kind == MessageKind::poll);
  CHECK(build_forward(vector_message("reaction"), std::nullopt, false, MessageFrame(), any()).encoded.empty());
}

TEST_CASE("what was edited is forwarded and quoted with the text that it has now") {
  for (const char* kind : {"conversation", "extended_text_quote_mention", "image", "document_with_caption"}) {
    INFO(kind);
    const auto sent = build_forward(vector_message(kind), std::string("corrected"), false, MessageFrame(), any());
    const auto again = parse_message(sent.encoded);
    REQUIRE(again);
    CHECK(again->text == "corrected");
    CHECK(again->kind == read(kind).kind);
    CHECK(parse_message(with_text(quotable(vector_message(kind)), "corrected"))->text == "corrected");
  }
  const Bytes place = quotable(vector_message("location"));
  CHECK(with_text(place, "corrected") == place);
}

TEST_CASE("text that is sent says everything that stands around it") {
  MessageFrame frame;
  frame.mention_all = true;
  frame.expires_after_s = 604'800;
  frame.expiry_set_at = 1'760'000'000;
  const auto read_again = parse_message(build_message(std::string("hello"), frame, any()).encoded);
  REQUIRE(read_again);
  CHECK(read_again->text == "hello");
  CHECK(read_again->traits.mentions_all);
  CHECK(read_again->traits.expires_after_s == 604'800);
}

TEST_CASE("numbers and names of a hostile body stay within their bounds") {
  Bytes place, message;
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    place.push_back(1 << 3 | 1);
    for (int i = 0; i < 8; ++i) place.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
    message.clear();
    append_field(message, field_number::location, place);
    CHECK(std::get<Location>(read_body(message)).latitude == 0);
  }
  Bytes poll;
  for (int i = 0; i < 1000; ++i) {
    Bytes option;
    append_field(option, 1, as_bytes("o" + std::to_string(i)));
    append_field(poll, 3, option);
  }
  message.clear();
  append_field(message, field_number::poll_creation, poll);
  CHECK(std::get<Poll>(read_body(message)).options.size() == 64);

  Bytes key, reaction;
  append_field(key, 3, as_bytes("no id\n"));
  append_field(reaction, 1, key);
  message.clear();
  append_field(message, field_number::reaction, reaction);
  CHECK(std::holds_alternative<std::monostate>(read_body(message)));
}

TEST_CASE("the timer of a chat is read from the vector and written as it stands there") {
  const auto timer = body<DisappearingTimer>("ephemeral_setting");
  CHECK(timer == DisappearingTimer{86'400, 1'760'000'000});
  CHECK(content(build_disappearing(timer, any()).encoded) == vector_message("ephemeral_setting"));
  const auto off = parse_message(build_disappearing({0, 5}, any()).encoded).value();
  CHECK(off.kind == MessageKind::disappearing);
  CHECK(std::get<DisappearingTimer>(off.body) == DisappearingTimer{0, 5});
  // Numbers that fit nothing: the largest there is, and no time before the beginning.
  Bytes fields, message;
  append_varint(fields, 2 << 3), append_varint(fields, 3);
  append_varint(fields, 4 << 3), append_varint(fields, std::numeric_limits<std::uint64_t>::max());
  append_varint(fields, 5 << 3), append_varint(fields, std::numeric_limits<std::uint64_t>::max());
  append_field(message, field_number::protocol_message, fields);
  CHECK(std::get<DisappearingTimer>(parse_message(message)->body) == DisappearingTimer{0xffffffff, 0});
}

TEST_CASE("in a chat with a timer every kind that can carries it, and a text is no conversation any more") {
  MessageFrame frame;
  frame.expires_after_s = 604'800;
  frame.expiry_set_at = 1'760'000'000;
  const MediaContent picture{
      MessageKind::image,
      MediaFile(),
      "",
  };
  const OutgoingBody bodies[] = {std::string("hello"),
                                 Location{},
                                 Contacts{"", {{"Ann", "BEGIN:VCARD"}}},
                                 Poll{"Tea?", {"yes", "no"}, 1},
                                 CalendarEvent{},
                                 GroupInvite{},
                                 Album{1, 0},
                                 picture};
  for (const OutgoingBody& body : bodies) {
    INFO(body.index());
    const auto read = parse_message(build_message(body, frame, any()).encoded).value();
    CHECK(read.traits.expires_after_s == 604'800);
    CHECK(read.traits.expiry_set_at == 1'760'000'000);
  }
  const Bytes text = built(std::string("hello"), frame);
  CHECK(content_number(text) == field_number::extended_text);
  const Bytes context = merged_field(merged_field(text, field_number::extended_text).value(), 17).value();
  CHECK(varint_field(merged_field(context, 32).value(), 2) == 1);  // disappearingMode.trigger
  frame.expires_after_s = 0;                                       // switched off: nothing is said, whenever that was
  CHECK(content_number(built(std::string("hello"), frame)) == field_number::conversation);
}

TEST_CASE("a picture of an album names the message that it belongs to, whatever is wrapped around it") {
  CHECK(read("album_child").traits.album == "3EB0AAAAAAAAAAAAAAAAAA");
  CHECK(read("album_parent").traits.album.empty());
  CHECK(parse_message(wrap_device_sent(vector_message("album_child"), ann))->traits.album == "3EB0AAAAAAAAAAAAAAAAAA");
  MessageFrame frame;
  frame.album = MessageKey{"3EB0AAAAAAAAAAAAAAAAAA", true, Jid::parse("100000000000002@lid").value(), std::nullopt};
  const auto association_of = [](ByteView message) {
    return merged_field(merged_field(message, field_number::message_context_info).value(), 10).value();
  };
  // Beside the wrapper of what is seen once, too; a text alone has none.
  const MediaContent picture{MessageKind::image, MediaFile(), ""};
  for (const bool once : {false, true}) {
    frame.view_once = once;
    const auto message = build_message(picture, frame, any());
    CHECK(association_of(message.encoded) == association_of(vector_message("album_child")));
    CHECK(parse_message(message.encoded)->traits.album == "3EB0AAAAAAAAAAAAAAAAAA");
  }
  // Another kind of association, and one that names nothing.
  const auto associated = [](std::uint64_t kind, std::string_view id) {
    Bytes key, association, info, message = built(MediaContent{MessageKind::image, MediaFile(), ""});
    append_field(key, 3, as_bytes(id));
    append_varint(association, 1 << 3), append_varint(association, kind);
    append_field(association, 2, key);
    append_field(info, 10, association);
    append_field(message, field_number::message_context_info, info);
    return parse_message(message)->traits.album;
  };
  CHECK(associated(1, "3EB0AA") == "3EB0AA");
  CHECK(associated(3, "3EB0AA").empty());
  CHECK(associated(1, "").empty());
  CHECK(associated(1, "a b").empty());
}

TEST_CASE("the colours and the font of a text are written as a status has them, and read back") {
  const StatusText post{"open", {0xFFFFFFFF, 0xFF1F7AEC, 2}};
  const OutgoingMessage built_post = build_message(post, MessageFrame(), any());
  // extendedTextMessage {text 1, textArgb 7, backgroundArgb 8, font 9}: fixed32, little-endian (05 section 10 item 3).
  const Bytes expected{0x32, 18,   0x0a, 4,    'o',  'p',  'e',  'n',  0x3d, 0xff,
                       0xff, 0xff, 0xff, 0x45, 0xec, 0x7a, 0x1f, 0xff, 0x48, 2};
  REQUIRE(built_post.encoded.size() > expected.size());
  CHECK(Bytes(built_post.encoded.begin(), built_post.encoded.begin() + static_cast<std::ptrdiff_t>(expected.size())) ==
        expected);
  const auto content = parse_message(built_post.encoded).value();
  CHECK(content.kind == MessageKind::text);
  CHECK(content.text == "open");
  CHECK(std::get<TextStyle>(content.body) == post.style);
  // A text without a background is a text.
  const auto plain = parse_message(build_message(StatusText{"x", {0, 0, 7}}, MessageFrame(), any()).encoded).value();
  CHECK(std::holds_alternative<std::monostate>(plain.body));
  CHECK(stanza_kind(built_post.encoded).type == "text");
}

TEST_CASE("the preview of an address is read from the vector and written as it stands there") {
  const auto preview = body<LinkPreview>("extended_text_link_preview");
  CHECK(preview == LinkPreview{"https://example.org/a", "Example", "An example page", {0xff, 0xd8, 0xff, 0xd9}});
  CHECK(built(PreviewedText{"see https://example.org/a", preview}) == vector_message("extended_text_link_preview"));
  // A text with mentions alone has none.
  CHECK(std::holds_alternative<std::monostate>(read("extended_text_quote_mention").body));
  LinkPreview large = preview;
  large.thumbnail.assign(LinkPreview::max_thumbnail_bytes + 1, 1);
  const auto message = parse_message(build_message(PreviewedText{"x", large}, MessageFrame(), any()).encoded);
  CHECK(std::get<LinkPreview>(message->body).thumbnail.empty());
  CHECK(message->kind == MessageKind::text);
}
