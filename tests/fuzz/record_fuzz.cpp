// Records as the database holds them, damaged: a ratchet record and the packed lists. What parses must be usable and
// must be written back to something that parses to the same.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/signal/session.h"
#include "storage/packed.h"

using namespace wharf;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

void check_ratchet(protocol::ByteView blob) {
  auto record = protocol::SessionRecord::parse(blob);
  if (!record) return;
  const protocol::Bytes written = record->serialize();
  const auto again = protocol::SessionRecord::parse(written);
  check(again && again->serialize() == written);
  record->remote_registration_id();
  record->remote_identity();
  record->base_key();
  protocol::SeededRandom random(1);
  protocol::LocalIdentity local;
  local.identity = protocol::KeyPair::generate(random);
  local.registration_id = 1;
  (void)protocol::decrypt_message(*record, local, blob, random);
  check(record->serialize() == written);  // a failed operation leaves it as it was
  (void)protocol::encrypt(*record, local, protocol::as_bytes("text"));
  record->archive_current();
  check(protocol::SessionRecord::parse(record->serialize()).has_value());
}

void check_packed(protocol::ByteView bytes) {
  storage::PackedReader numbers(bytes);
  std::size_t count = 0;
  while (numbers.number()) ++count;
  check(count == bytes.size() / 4);
  storage::PackedReader texts(bytes);
  storage::PackedWriter again;
  while (const auto text = texts.text()) again.text(*text);
  check(again.bytes().size() <= bytes.size());
  check(std::equal(again.bytes().begin(), again.bytes().end(), bytes.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const protocol::ByteView bytes(data + 1, size - 1);
  data[0] % 4 == 0 ? check_packed(bytes) : check_ratchet(bytes);
  return 0;
}
