#pragma once
// The body of a download, made while it is sent: pieces from a worker, at the pace and with the damage that a fault
// wants. Internal to the media host. Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http_server.h"
#include "protocol/result.h"
#include "sandbox/media/media_faults.h"
#include "sandbox/network_ports.h"

namespace wharf::sandbox {

class MediaDownloadBody : public std::enable_shared_from_this<MediaDownloadBody> {
 public:
  static constexpr std::size_t piece_bytes = 256u << 10;
  /// Exactly so many bytes from an offset; may never call back (the end of the host).
  using Read =
      std::function<void(std::uint64_t offset, std::size_t bytes, std::function<void(protocol::Result<std::string>)>)>;

  /// The bytes [first, end) of a file.
  MediaDownloadBody(Read read, std::uint64_t first, std::uint64_t end, NetworkClock& clock,
                    std::optional<MediaFault> fault);

  /// The whole body in one piece, when it is short and nothing is to happen to its connection: such an answer has a
  /// Content-Length. nullptr: use source().
  bool short_enough() const;
  net::BodySource source();
  void next(std::function<void(net::BodyPiece)> give);

 private:
  void read_piece(std::function<void(net::BodyPiece)> give);
  void give_piece(protocol::Result<std::string> bytes, const std::function<void(net::BodyPiece)>& give);
  bool is(MediaFault::What what) const { return fault_ && fault_->what == what; }

  Read read_;
  std::uint64_t first_, at_, end_;
  NetworkClock& clock_;
  std::optional<MediaFault> fault_;
  std::size_t piece_ = piece_bytes;
  std::int64_t pause_ms_ = 0;    // before each piece
  std::shared_ptr<void> pause_;  // that is running
};

}  // namespace wharf::sandbox
