#pragma once
// What every use of libsignal-protocol-c needs: its references as values, and the cryptography that it asks for.

#include <signal/signal_protocol.h>

#include <stdexcept>
#include <string>

#include "protocol/bytes.h"
#include "protocol/crypto/random.h"

namespace wharf::test {

inline void check(int code, const char* what) {
  if (code < 0) throw std::runtime_error(std::string(what) + " failed with " + std::to_string(code));
}

/// One reference to an object of the library.
template <class T>
class Ref {
 public:
  Ref() = default;
  ~Ref() {
    if (object_ != nullptr) signal_type_unref(reinterpret_cast<signal_type_base*>(object_));
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  T** out() { return &object_; }
  T* get() const { return object_; }

 private:
  T* object_ = nullptr;
};

class Buffer {
 public:
  ~Buffer() { signal_buffer_free(buffer_); }
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  signal_buffer** out() { return &buffer_; }
  protocol::Bytes bytes() const {
    return {signal_buffer_const_data(buffer_), signal_buffer_const_data(buffer_) + size()};
  }
  std::size_t size() const { return signal_buffer_len(buffer_); }

 private:
  signal_buffer* buffer_ = nullptr;
};

inline signal_buffer* to_buffer(protocol::ByteView bytes) { return signal_buffer_create(bytes.data(), bytes.size()); }

/// OpenSSL and libsodium for `context`, with this source of randomness: both must live as long as the context is used.
void set_crypto_provider(signal_context* context, protocol::Random& random);

}  // namespace wharf::test
