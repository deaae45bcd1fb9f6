#pragma once
// A member of one group whose sender keys are held by libsignal-protocol-c: its own, and those of others by name.

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/bytes.h"

namespace wharf::test {

class LibsignalMember {
 public:
  explicit LibsignalMember(std::uint64_t seed);
  ~LibsignalMember();
  LibsignalMember(const LibsignalMember&) = delete;
  LibsignalMember& operator=(const LibsignalMember&) = delete;

  /// SenderKeyDistributionMessage of the own key as it stands; made when there is none.
  protocol::Bytes distribution();
  /// An skmsg under the own key. There must be one.
  protocol::Bytes encrypt(protocol::ByteView plaintext);
  /// The next distribution is of a new key.
  void rotate();

  /// The library's code: 0 or negative.
  int process(const std::string& author, protocol::ByteView distribution);
  struct Outcome {
    int code = 0;
    protocol::Bytes plaintext;
  };
  Outcome decrypt(const std::string& author, protocol::ByteView body);

  static const int duplicate_message;  // SG_ERR_DUPLICATE_MESSAGE: also for what is from before the key's start
  static const int no_session;         // SG_ERR_NO_SESSION
  static const int invalid_message;    // SG_ERR_INVALID_MESSAGE: also for bad signatures

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace wharf::test
