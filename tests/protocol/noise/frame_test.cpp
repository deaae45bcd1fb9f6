#include "protocol/noise/frame.h"

#include <catch2/catch.hpp>

#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::vectors;

namespace {

std::vector<Bytes> drain(FrameReader& reader) {
  std::vector<Bytes> out;
  for (;;) {
    Result<std::optional<Bytes>> frame = reader.next();
    REQUIRE(frame);
    if (!*frame) return out;
    out.push_back(std::move(**frame));
  }
}

}  // namespace

TEST_CASE("frames come out whole however the stream was cut") {
  const std::vector<Bytes> bodies = {Bytes{1}, Bytes(300, 2), Bytes{}, Bytes(70'000, 3), Bytes{4, 5}};
  Bytes stream;
  for (const Bytes& body : bodies) append_frame(stream, body);
  REQUIRE(to_hex(ByteView(stream).first(7)) == "0000010100012c");

  for (std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}, stream.size()}) {
    FrameReader reader;
    std::vector<Bytes> received;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
      for (Bytes& frame : drain(reader)) received.push_back(std::move(frame));
    }
    REQUIRE(received == bodies);
    REQUIRE(reader.buffered() == 0);
  }
}

TEST_CASE("an announced length alone costs no memory and one over the limit is an error") {
  FrameReader reader;
  reader.feed(Bytes{0xff, 0xff, 0xff, 1});
  REQUIRE(drain(reader).empty());
  REQUIRE(reader.buffered() == 4);

  FrameReader small(10);
  small.feed(Bytes{0, 0, 11});
  REQUIRE(small.next().error().code == Errc::too_large);
  REQUIRE(small.next().error().code == Errc::too_large);

  Bytes out;
  REQUIRE_THROWS(append_frame(out, Bytes(max_frame_bytes + 1)));
  REQUIRE(out.empty());
}

TEST_CASE("the first bytes carry the routing info before the header") {
  const auto& v = vectors("noise-xx").at("edge_routing_first_frame");
  const Bytes info = hex(v.at("routing_info"));
  const Bytes wire = hex(v.at("wire"));
  Bytes first = client_prologue(info);
  REQUIRE(to_hex(first) == std::string(v.at("prefix").as_string()) + "57410603");
  append_frame(first, hex(vectors("noise-xx").at("xx").at("messages").at("client_hello").at("protobuf")));
  REQUIRE(to_hex(first) == to_hex(wire));
  REQUIRE(client_prologue({}) == to_bytes(connection_header));
}

TEST_CASE("the server reads the prologue from any cutting and leaves the frames") {
  const Bytes info = hex("080c0802");
  for (const Bytes& routing : {Bytes{}, info, Bytes(64 * 1024, 7)}) {
    const Bytes stream = concat(client_prologue(routing), Bytes{9, 9});
    for (std::size_t piece : {std::size_t{1}, std::size_t{3}, stream.size()}) {
      PrologueReader reader;
      std::size_t consumed = 0;
      bool complete = false;
      while (!complete) {
        REQUIRE(consumed < stream.size());
        ByteView data = ByteView(stream).subspan(consumed, std::min(piece, stream.size() - consumed));
        const std::size_t offered = data.size();
        const Result<bool> fed = reader.feed(data);
        REQUIRE(fed);
        complete = *fed;
        consumed += offered - data.size();
        REQUIRE((complete || data.empty()));
      }
      REQUIRE(consumed == stream.size() - 2);
      REQUIRE(reader.header() == connection_header);
      REQUIRE(reader.routing_info() == routing);
    }
  }
}

TEST_CASE("other prologues are refused as early as they differ") {
  for (const char* bad :
       {"00", "5742", "574105", "57410602", "45440002", "4544000101000157410603", "454400010000010157410604", "ed"}) {
    INFO(bad);
    PrologueReader reader;
    const Bytes bytes = hex(bad);
    ByteView data = bytes;
    const Result<bool> fed = reader.feed(data);
    REQUIRE(!fed);
    REQUIRE(fed.error().code == Errc::malformed);
  }
}
