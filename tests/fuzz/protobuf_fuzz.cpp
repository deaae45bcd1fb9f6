// Everything of ours that reads protobuf from a peer. The first byte of the input chooses the reader, the rest is its
// input. Beyond "no crash": what a reader accepts must hold its own promises.

#include <cstdlib>

#include "protocol/crypto/hash.h"
#include "protocol/messages/content.h"
#include "protocol/messages/stanza_kind.h"
#include "protocol/messages/wire.h"
#include "protocol/pairing/adv.h"
#include "protocol/text.h"

using namespace wharf::protocol;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Keys {
  SeededRandom random{1};
  Key32 adv_secret = random.bytes<32>();
  KeyPair identity = KeyPair::generate(random);
  KeyPair account = KeyPair::generate(random);
};

void fuzz_message(ByteView input) {
  const auto message = parse_message(input);
  const Bytes quoted = quotable(input);
  (void)stanza_kind(input);
  if (!message) return;
  require(message->encoded.size() <= input.size());
  require(displayable(message->text) == message->text);
  require(parse_message(message->encoded).has_value());
  require(parse_message(quoted).has_value());
}

/// Accepts only what the account key signed, so both outputs must verify again.
void fuzz_pair_success(ByteView container) {
  Keys keys;
  const auto accepted = accept_pair_success(container, keys.adv_secret, keys.identity, keys.random);
  if (!accepted) return;
  require(verify_device_identity(accepted->account, keys.identity.pub, accepted->account_key).has_value());
  require(complete_device_identity(accepted->reply, container, keys.identity.pub).has_value());
}

/// The same behind a valid HMAC, which random input never has.
void fuzz_signed_identity(ByteView details) {
  const Keys keys;
  Bytes container;
  append_field(container, 1, details);
  append_field(container, 2, hmac_sha256(keys.adv_secret, details));
  fuzz_pair_success(container);
}

void fuzz_reporting_token(ByteView input) {
  const Bytes secret(32, 1);
  const Jid sender("100000000000001", server::lid), remote("100000000000002", server::lid);
  const auto token = reporting_token(input, secret, "3EB0D0D0D0D0D0D0D0D0D0", sender, remote);
  require(token == reporting_token(input, secret, "3EB0D0D0D0D0D0D0D0D0D0", sender, remote));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  const Keys keys;
  switch (data[0] % 6) {
    case 0: fuzz_message(input); break;
    case 1: fuzz_pair_success(input); break;
    case 2:
      (void)verify_device_identity(input, keys.identity.pub, keys.account.pub);
      (void)verify_device_identity(input, keys.identity.pub, std::nullopt);
      break;
    case 3: {
      const auto unchecked = read_key_index_list(input, std::nullopt);
      const auto checked = read_key_index_list(input, keys.account.pub);
      require(!checked || unchecked);
      break;
    }
    case 4: fuzz_reporting_token(input); break;
    default: fuzz_signed_identity(input); break;
  }
  return 0;
}
