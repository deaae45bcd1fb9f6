#include "protocol/messages/bootstrap.h"

#include <zlib.h>

#include <catch2/catch.hpp>

#include "protocol/messages/content.h"
#include "tests/support/printing.h"

namespace wharf::protocol {

TEST_CASE("a key share carries one key with its fingerprint") {
  AppStateKeyShare share;
  share.key_id = {0, 0, 0, 0, 0x12, 0x34};
  share.key_data.fill(0xab);
  share.raw_id = 1;
  share.current_index = 2;
  share.device_indexes = {0, 2};
  share.timestamp = 5;
  const Bytes encoded = build_key_share(share);
  const auto parsed = parse_message(encoded);
  REQUIRE(parsed);
  REQUIRE(parsed->protocol_type == 6);
  REQUIRE(parsed->app_state_keys.size() == 1);
  REQUIRE(parsed->app_state_keys[0].id == Bytes{0, 0, 0, 0, 0x12, 0x34});
  REQUIRE(parsed->app_state_keys[0].data == Bytes(32, 0xab));
  REQUIRE(parsed->app_state_keys[0].timestamp == 5);
  // fingerprint{rawId 1, currentIndex 2, deviceIndexes packed {0, 2}}, then timestamp
  const Bytes tail = *from_hex("1208080110021a0200021805");
  REQUIRE(encoded.size() > tail.size());
  REQUIRE(equal(ByteView(encoded).last(tail.size()), tail));
}

TEST_CASE("the first history is an inline bootstrap without conversations") {
  const Bytes encoded = build_empty_initial_history();
  REQUIRE(encoded.size() > 16);
  // Message.protocolMessage{type 5, historySyncNotification{syncType 0, chunkOrder 0, progress 100, payload 11}}
  REQUIRE(encoded[0] == 0x62);
  REQUIRE(encoded[1] == encoded.size() - 2);
  REQUIRE(to_hex(ByteView(encoded).subspan(2, 3)) == "100532");
  REQUIRE(to_hex(ByteView(encoded).subspan(6, 7)) == "3000380048645a");
  const ByteView payload = ByteView(encoded).subspan(14);
  REQUIRE(encoded[13] == payload.size());
  Bytes inflated(64);
  uLongf size = inflated.size();
  REQUIRE(uncompress(inflated.data(), &size, payload.data(), static_cast<uLong>(payload.size())) == Z_OK);
  inflated.resize(size);
  REQUIRE(to_hex(inflated) == "080028003064");  // HistorySync{syncType 0, chunkOrder 0, progress 100}
}

}  // namespace wharf::protocol
