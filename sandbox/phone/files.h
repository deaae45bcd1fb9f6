#pragma once
// The media host as the phones of a network use it: without HTTP, and with the faults that a test wants for them
// (MediaDoor::phones). And the encrypted files that they keep, to upload one again when the host has none any more.
// Shared by the phones; every `done` comes on the loop, inside the call or later, and never after the host has ended.
// Loop thread only. Specification 04 sections 3, 4 and 6.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/crypto/hash.h"
#include "protocol/media/media_kind.h"
#include "protocol/result.h"
#include "sandbox/media/media_download.h"
#include "sandbox/media/media_host.h"

namespace wharf::sandbox {

class PhoneFiles : public std::enable_shared_from_this<PhoneFiles> {
 public:
  static constexpr std::size_t max_kept_bytes = 64u << 20;       // all together: the oldest go
  static constexpr std::size_t max_kept_file_bytes = 16u << 20;  // larger ones are not kept
  struct Place {
    std::string url, direct_path;
  };
  using Placed = std::function<void(protocol::Result<Place>)>;

  void set_host(const std::shared_ptr<MediaHost>& host) { host_ = host; }
  bool has_host() const { return !host_.expired(); }

  // --- up. Errors: storage (no host, or a fault that is one), and what MediaStore::put says; it is tried again for
  // ten seconds while too many others are at it.
  void upload(protocol::MediaKind kind, const protocol::Bytes& file, Placed done);
  /// What is kept of the file with this hash, or else a copy that the host still has. Also: not_found.
  void upload_again(protocol::MediaKind kind, const protocol::Digest32& hash, Placed done);

  // --- down
  struct Found {
    std::shared_ptr<MediaDownloadBody> body;
    std::uint64_t bytes = 0;
  };
  /// As a client gets it. Errors: not_found (404 and 410), refused (403), storage (no host, or a fault).
  protocol::Result<Found> download(std::string_view direct_path);
  /// Without faults and signatures, by any path: the same bytes may have been uploaded again. Errors: not_found, closed
  /// (no host).
  protocol::Result<Found> look_up(std::string_view direct_path, const protocol::Digest32* hash) const;

  // --- kept, by the hash of the encrypted file
  void keep(const protocol::Digest32& hash, protocol::Bytes file);
  bool keeps(const protocol::Digest32& hash) const { return kept_.contains(hash); }

 private:
  static constexpr unsigned max_tries = 100;
  static constexpr std::int64_t busy_pause_ms = 100;
  void put(const std::string& kind, std::shared_ptr<const protocol::Bytes> file, unsigned tries, const Placed& done);
  Found reading(MediaHost& host, const MediaFile& file, std::optional<MediaFault> fault) const;
  /// By every kind that an upload address has for files of messages; nullptr when no copy is there.
  static const MediaFile* copy_of(MediaHost& host, const protocol::Digest32& hash);

  std::weak_ptr<MediaHost> host_;
  std::map<protocol::Digest32, protocol::Bytes> kept_;
  std::deque<protocol::Digest32> order_;  // the oldest first
  std::size_t kept_bytes_ = 0;
  std::map<std::uint64_t, std::shared_ptr<void>> pauses_;  // of uploads that wait for others
  std::uint64_t last_pause_ = 0;
};

}  // namespace wharf::sandbox
