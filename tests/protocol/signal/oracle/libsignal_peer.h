#pragma once
// A device whose sessions run in libsignal-protocol-c: an independent implementation to compare ours with. The library
// is under the GPL and is linked into this test binary only.

#include <cstdint>
#include <map>
#include <memory>

#include "protocol/crypto/random.h"
#include "protocol/signal/session.h"

namespace wharf::test {

class LibsignalPeer {
 public:
  /// Makes an identity, a signed prekey and one-time prekeys 1..one_time_keys from the seed.
  LibsignalPeer(std::uint64_t seed, std::uint32_t registration_id, unsigned one_time_keys);
  ~LibsignalPeer();
  LibsignalPeer(const LibsignalPeer&) = delete;
  LibsignalPeer& operator=(const LibsignalPeer&) = delete;

  /// `one_time` = 0: without one-time prekey.
  protocol::PreKeyBundle bundle(protocol::PreKeyId one_time) const;
  bool holds_one_time(protocol::PreKeyId id) const;

  /// The library's code: 0 or negative.
  int start(const protocol::PreKeyBundle& bundle);
  protocol::Ciphertext encrypt(protocol::ByteView plaintext);
  struct Outcome {
    int code = 0;
    protocol::Bytes plaintext;
  };
  Outcome decrypt(const protocol::Ciphertext& message);

  static const int duplicate_message;  // SG_ERR_DUPLICATE_MESSAGE
  static const int invalid_key;        // SG_ERR_INVALID_KEY: also its code for a bad bundle signature

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace wharf::test
