#pragma once
// From the bytes of a file that somebody sent to the message that carries it: what it is (by its bytes, never by what
// its sender says), whether it can be sent as that, its size, length, preview and waveform, and conversions where a
// kind wants them. Files stay encrypted in the vault; what must be seen whole is decrypted into memory, one file at a
// time. Specification 04 sections 3.5 and 5. Loop thread only.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "api/media_intake.h"
#include "media/converter.h"
#include "net/clock.h"
#include "net/workers.h"
#include "protocol/messages/content.h"
#include "sessions/commands.h"

namespace wharf::api {

/// As what a file is to be sent.
struct MediaWish {
  protocol::MessageKind kind = protocol::MessageKind::document;
  std::string caption, file_name, mimetype;  // "": found out
  bool view_once = false;
};

struct PreparedMedia {
  sessions::SendMedia message;  // its file is in the vault's outgoing/: send it or drop it
  std::string source_hash;      // of what was given, before any conversion: hex
};
/// Failures name the field: media_unusable (not of this kind, broken, needs a converter that is not there),
/// payload_too_large, unavailable (too much is being prepared), and those of the vault.
using Preparation = std::variant<PreparedMedia, Failure>;

/// What a player may ask for in pieces has the hashes of its pieces in the message. Specification 04 section 2.3.
protocol::Sidecar sidecar_of(protocol::MediaKind kind);

class MediaPreparations {
 public:
  static constexpr std::size_t max_waiting = 64;
  static constexpr std::uint64_t max_whole_bytes = 16u << 20;  // pictures and sound (04 section 3.5)
  static constexpr std::uint64_t max_video_bytes = 100u << 20;

  MediaPreparations(sessions::MediaVault& vault, net::Workers& workers, net::Clock& clock,
                    std::optional<media::Converter> converter);
  ~MediaPreparations();
  /// The file has come whole; `done` runs once, inside the call or later. After it or without it nothing of the file
  /// stays that nobody was given.
  void prepare(TakenFile file, MediaWish wish, std::function<void(Preparation)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::api
