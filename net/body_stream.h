#pragma once
// Bodies that are nowhere in memory as a whole, in both directions and on both sides of HTTP: whoever takes one is a
// receiver, whoever makes one is a source. Each holds the other end back. Loop thread only.

#include <functional>
#include <string>

namespace wharf::net {

/// Takes the body of a request (HttpServerSettings::receive_body) or of an answer (OutgoingRequest::receive_body) while
/// it comes. Destroyed without having become HttpRequest::received or OutgoingResponse::received: the peer went, or the
/// body is too large.
class BodyReceiver {
 public:
  virtual ~BodyReceiver() = default;
  /// The next bytes, at most 64 KiB. Nothing more is read from the peer until `taken` was called: once, on the loop,
  /// inside the call or later. It may be called when the connection is gone.
  virtual void take(std::string bytes, std::function<void()> taken) = 0;
  /// Asked by the server when `taken` was called: true resets the connection, and nothing is answered.
  virtual bool gives_up() const { return false; }
  /// Asked by the server behind the head and whenever `taken` was called: true: what has come is enough to answer.
  /// The request is handled at once, and its connection ends with the answer, which a client that is still sending can
  /// read: the server takes some more of what comes for a moment, to nowhere.
  virtual bool enough() const { return false; }
};

/// One piece of a body that is made while it is sent; it is in memory until the kernel has taken it. broken: the rest
/// cannot be made; the connection is reset, so that nobody takes half a body for a whole one.
struct BodyPiece {
  enum class End { more, last, broken };
  std::string bytes;
  End end = End::more;
};
/// Asked on the loop for the next piece each time the kernel has taken the one before; calls back once, on the loop,
/// inside the call or later. Dropped when the peer goes.
using BodySource = std::function<void(std::function<void(BodyPiece)>)>;

}  // namespace wharf::net
