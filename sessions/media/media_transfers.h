#pragma once
// Files of the vault to the media servers and from there into it. One for all sessions: so many transfers at one time,
// the rest waits its turn. What is sent stands in the vault before and is read piece by piece, what comes is written
// piece by piece: no file is in memory. Specification 04 sections 3 and 4.
//
// It knows hosts, statuses and retries within one try of a session; when a session tries again, asks for other hosts,
// or has its phone upload a file anew is its own matter (uploads.h, downloads.h). Loop thread only.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/cancel_handle.h"
#include "net/outgoing_http.h"
#include "net/scheduler.h"
#include "protocol/media/media_urls.h"
#include "sessions/media/media_vault.h"

namespace wharf::sessions {

struct MediaUpload {
  MediaName file{};
  protocol::MediaKind kind = protocol::MediaKind::document;
  protocol::Digest32 sent_sha256{};  // of the encrypted file
  std::uint64_t bytes = 0;           // of the encrypted file
  std::vector<std::string> hosts;    // in order
  std::string auth;                  // secret
  /// To a channel, whose files are not encrypted (04 section 3.4): hash and length are those of the plain file, which
  /// this reads.
  std::optional<protocol::MediaReference> plain = {};
};

struct MediaDownload {
  protocol::MediaReference reference;
  protocol::MediaKind kind = protocol::MediaKind::document;
  std::uint64_t length = 0;  // that the message says; for deadlines only
  std::vector<protocol::DownloadTarget> targets;
  bool plain = false;  // the servers have it in clear (MediaVault::receive_plain)
};

/// One that is not encrypted and small: a profile picture.
struct SmallFile {
  std::vector<protocol::DownloadTarget> targets;
  std::size_t max_bytes = 0;          // a larger one is too_large
  std::chrono::seconds patience{15};  // with each place
};

struct TransferFailure {
  enum class Why {
    not_allowed,  // 401 or 403 of an upload: the token; ask for hosts anew
    gone,         // 401, 403, 404, 410 of a download: the phone may upload it again
    temporary,    // no host could do it now
    damaged,      // what all hosts have is not the announced file
    refused,      // the request: trying again is of no use
    too_large,    // the file, whoever sends it
    local,        // the file cannot be read or written here
  } why = Why::temporary;
  std::string detail;  // for operators; no URL of a file, no token
};
template <class T>
using Transferred = boost::system::result<T, TransferFailure>;

/// A transfer that waits or runs; destroyed or cancelled, it ends and calls nobody.
using TransferHandle = net::CancelHandle;

struct TransferSettings {
  std::size_t max_uploads = 8, max_downloads = 8;  // at one time
  bool allow_private = false;                      // media hosts on loopback: a simulated network
};

class MediaTransfers {
 public:
  MediaTransfers(MediaVault& vault, net::OutgoingHttp& http, net::Scheduler& scheduler, TransferSettings settings);
  ~MediaTransfers();

  /// `done` runs once, later. A host that fails is passed over; what arrived of a large file before is not sent again.
  [[nodiscard]] TransferHandle upload(MediaUpload upload,
                                      std::function<void(Transferred<protocol::UploadAnswer>)> done);
  /// The file is in the vault, verified.
  [[nodiscard]] TransferHandle download(MediaDownload download, std::function<void(Transferred<void>)> done);
  /// Into memory; each place is asked once, for at most 15 s.
  [[nodiscard]] TransferHandle fetch(SmallFile file, std::function<void(Transferred<protocol::Bytes>)> done);
  MediaVault& vault();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace wharf::sessions
