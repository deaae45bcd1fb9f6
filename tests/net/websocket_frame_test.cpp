#include "net/websocket_frame.h"

#include <catch2/catch.hpp>

using namespace wharf::net;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// As a server sends it: not masked.
Bytes frame(std::uint8_t first, const Bytes& payload) {
  const FrameHeader masked = make_frame_header(Opcode::text, payload.size(), {});
  Bytes out(masked.view().begin(), masked.view().end() - 4);
  out[0] = first;
  out[1] &= 0x7f;
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

/// What the decoder says about `input`, given in pieces of `step` bytes.
std::vector<std::string> decode(FrameDecoder& decoder, Bytes input, std::size_t step) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < input.size(); at += step) {
    std::span<const std::uint8_t> piece =
        std::span<const std::uint8_t>(input).subspan(at, std::min(step, input.size() - at));
    for (;;) {
      const FrameDecoder::Event event = decoder.next(piece);
      if (std::holds_alternative<FrameDecoder::NeedMore>(event)) {
        REQUIRE(piece.empty());
        break;
      }
      if (const auto* message = std::get_if<FrameDecoder::Message>(&event)) {
        out.push_back((message->type == MessageType::text ? "text " : "binary ") +
                      std::string(message->payload.begin(), message->payload.end()));
      } else if (const auto* ping = std::get_if<FrameDecoder::Ping>(&event)) {
        out.push_back("ping " + std::string(ping->payload.begin(), ping->payload.end()));
      } else if (std::holds_alternative<FrameDecoder::Pong>(event)) {
        out.push_back("pong");
      } else if (const auto* close = std::get_if<FrameDecoder::Close>(&event)) {
        out.push_back("close " + std::to_string(close->code) + " " + std::string(close->reason));
      } else {
        out.push_back("violation " + std::to_string(std::get<FrameDecoder::Violation>(event).code));
        return out;
      }
    }
  }
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

}  // namespace

TEST_CASE("RFC 6455 5.7: the examples decode") {
  FrameDecoder client(1 << 20);
  CHECK(decode(client, {0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, 100) == std::vector<std::string>{"text Hello"});
  CHECK(decode(client, {0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}, 100) ==
        std::vector<std::string>{"text Hello"});
  CHECK(decode(client, {0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, 100) == std::vector<std::string>{"ping Hello"});
}

TEST_CASE("a stream of frames gives the same events however it is cut") {
  const Bytes medium(300, 'm'), large(70'000, 'L');
  const Bytes stream = join({frame(0x82, bytes("one")), frame(0x01, bytes("fr")), frame(0x89, bytes("are you there")),
                             frame(0x00, {}), frame(0x00, bytes("ag")), frame(0x80, bytes("ment")), frame(0x82, {}),
                             frame(0x82, medium), frame(0x82, large), frame(0x02, large), frame(0x80, medium),
                             frame(0x8a, {}), frame(0x88, {0x03, 0xe8, 'b', 'y', 'e'})});
  const std::vector<std::string> expected = {"binary one",
                                             "ping are you there",
                                             "text fragment",
                                             "binary ",
                                             "binary " + std::string(300, 'm'),
                                             "binary " + std::string(70'000, 'L'),
                                             "binary " + std::string(70'000, 'L') + std::string(300, 'm'),
                                             "pong",
                                             "close 1000 bye"};
  for (const std::size_t step : {1u, 2u, 7u, 1000u, 1u << 20}) {
    INFO(step);
    FrameDecoder decoder(1 << 20);
    CHECK(decode(decoder, stream, step) == expected);
  }
}

TEST_CASE("what breaks the protocol ends it with the right code") {
  struct Case {
    const char* what;
    Bytes input;
    const char* expected;
  };
  const Case cases[] = {
      {"reserved bit", {0xc1, 0x00}, "violation 1002"},
      {"reserved data opcode", {0x83, 0x00}, "violation 1002"},
      {"reserved control opcode", {0x8b, 0x00}, "violation 1002"},
      {"masked frame from a server", {0x81, 0x80, 1, 2, 3, 4}, "violation 1002"},
      {"fragmented ping", {0x09, 0x00}, "violation 1002"},
      {"long ping", {0x89, 0x7e, 0x00, 0x7e}, "violation 1002"},
      {"continuation of nothing", {0x80, 0x00}, "violation 1002"},
      {"message inside a message", {0x01, 0x00, 0x81, 0x00}, "violation 1002"},
      {"length 125 in two bytes", {0x82, 0x7e, 0x00, 0x7d}, "violation 1002"},
      {"length 65535 in eight bytes", {0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, "violation 1002"},
      {"length over the limit", {0x82, 0x7e, 0x03, 0xe9}, "violation 1009"},
      {"length with the highest bit", {0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "violation 1009"},
      {"close of one byte", {0x88, 0x01, 0x03}, "violation 1002"},
      {"close code 1005", {0x88, 0x02, 0x03, 0xed}, "violation 1002"},
      {"close code 999", {0x88, 0x02, 0x03, 0xe7}, "violation 1002"},
      {"close code 5000", {0x88, 0x02, 0x13, 0x88}, "violation 1002"},
      {"close reason not UTF-8", {0x88, 0x03, 0x03, 0xe8, 0xff}, "violation 1007"},
      {"text not UTF-8", {0x81, 0x02, 0xc3, 0x28}, "violation 1007"},
      {"text cut inside a character", {0x81, 0x01, 0xc3}, "violation 1007"},
  };
  for (const Case& c : cases) {
    for (const std::size_t step : {1u, 100u}) {
      INFO(c.what << " in steps of " << step);
      FrameDecoder decoder(1000);
      const auto events = decode(decoder, c.input, step);
      REQUIRE(events.size() == 1);
      CHECK(events.back() == c.expected);
    }
  }
}

TEST_CASE("fragments count together against the limit") {
  FrameDecoder decoder(1000);
  CHECK(decode(decoder, join({frame(0x02, Bytes(600, 'a')), frame(0x80, Bytes(401, 'b'))}), 100'000) ==
        std::vector<std::string>{"violation 1009"});
  FrameDecoder exact(1000);
  CHECK(decode(exact, join({frame(0x02, Bytes(600, 'a')), frame(0x80, Bytes(400, 'b'))}), 100'000).size() == 1);
}

TEST_CASE("a character may be split between fragments") {
  FrameDecoder decoder(1000);
  CHECK(decode(decoder, join({frame(0x01, {0xe2, 0x82}), frame(0x80, {0xac})}), 100) ==
        std::vector<std::string>{"text \xe2\x82\xac"});
}

TEST_CASE("UTF-8 is told from its look-alikes") {
  for (const char* good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(valid_utf8(bytes(good)));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "a\xe2\x82", "\xe2\x28\xa1", "\xf0\x90\x28\xbc"}) {
    CHECK_FALSE(valid_utf8(bytes(bad)));
  }
}

TEST_CASE("lengths are written in their shortest form") {
  const auto size_of = [](std::uint64_t length) { return make_frame_header(Opcode::binary, length, {}).size; };
  CHECK(size_of(0) == 2 + 4);
  CHECK(size_of(125) == 2 + 4);
  CHECK(size_of(126) == 4 + 4);
  CHECK(size_of(65535) == 4 + 4);
  CHECK(size_of(65536) == 10 + 4);
  const FrameHeader large = make_frame_header(Opcode::binary, 65536, {1, 2, 3, 4});
  CHECK(Bytes(large.view().begin(), large.view().end()) == Bytes{0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4});
}

TEST_CASE("a mask is applied from its first byte, whatever the length") {
  const std::array<std::uint8_t, 4> key{0x37, 0xfa, 0x21, 0x3d};
  Bytes hello = bytes("Hello");
  apply_mask(hello, key);
  CHECK(hello == Bytes{0x7f, 0x9f, 0x4d, 0x51, 0x58});  // RFC 6455 5.7
  for (std::size_t size = 0; size < 40; ++size) {
    Bytes masked(size, 0);
    apply_mask(masked, key);
    for (std::size_t i = 0; i < size; ++i) CHECK(masked[i] == key[i % 4]);
  }
}
