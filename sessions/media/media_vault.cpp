#include "sessions/media/media_vault.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "protocol/crypto/hash_stream.h"
#include "sessions/log_value.h"
#include "sessions/media/growing_file.h"
#include "sessions/media/media_disk.h"
#include "sessions/media/media_job.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using protocol::MediaKind;
using protocol::MediaReference;
using protocol::Result;

MediaName media_name(const MediaReference& reference, MediaKind kind) {
  protocol::Sha256Stream hash;
  hash.update(protocol::as_bytes(protocol::media_key_info(kind)));
  hash.update(reference.key);
  hash.update(reference.hashes.file_sha256);
  if (reference.hashes.file_enc_sha256) hash.update(*reference.hashes.file_enc_sha256);
  return hash.finish();
}

MediaReference SealedMedia::reference() const { return {key, {digest.file_enc_sha256, digest.file_sha256}}; }

namespace {

constexpr std::size_t max_piece_bytes = 1u << 20;

std::span<std::uint8_t> bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

/// The plaintext [begin, end) of a verified file, block by block: CBC needs the ciphertext block before. It is read
/// into the string that travels on and decrypted there: fresh pages and copies would cost as much as the decryption.
Result<std::string> decrypt(const DiskFile& file, const protocol::MediaKeys& keys, std::uint64_t begin,
                            std::uint64_t end, std::uint64_t ciphertext) {
  constexpr std::uint64_t block = protocol::media_block_bytes;
  const std::uint64_t first = begin / block * block;
  const std::uint64_t last = std::min((end + block - 1) / block * block, ciphertext);
  protocol::BlockIv iv = keys.iv;
  if (first != 0) {
    if (auto read = file.read(first - block, iv); !read) return read.error();
  }
  std::string plain(static_cast<std::size_t>(last - first), '\0');
  if (auto read = file.read(first, bytes_of(plain)); !read) return read.error();
  protocol::CbcDecryptStream(keys.cipher, iv, protocol::CbcPadding::none).update_in_place(bytes_of(plain));
  plain.resize(static_cast<std::size_t>(end - first));
  plain.erase(0, static_cast<std::size_t>(begin - first));
  return plain;
}

/// Of a file as it was verified once: how much plaintext it holds.
struct OpenedMedia {
  DiskFile file;
  protocol::MediaKeys keys;
  std::uint64_t ciphertext = 0, length = 0;
};

Result<void> measure(OpenedMedia& media) {
  constexpr std::uint64_t block = protocol::media_block_bytes;
  const auto size = media.file.size();
  if (!size) return size.error();
  if (*size < block + protocol::media_mac_bytes || (*size - protocol::media_mac_bytes) % block != 0)
    return Error(Errc::storage, "a media file is cut short");
  media.ciphertext = *size - protocol::media_mac_bytes;
  auto last = decrypt(media.file, media.keys, media.ciphertext - block, media.ciphertext, media.ciphertext);
  if (!last) return last.error();
  const auto padding = static_cast<std::uint8_t>(last->back());
  if (padding == 0 || padding > block) return Error(Errc::storage, "a media file is damaged");
  media.length = media.ciphertext - padding;
  return {};
}

}  // namespace

struct MediaVault::Encrypted {
  DiskFile file;
};

struct MediaVault::State : std::enable_shared_from_this<State> {
  State(VaultSettings s, net::Workers& w, protocol::Random& r) : settings(std::move(s)), workers(w), random(r) {}

  std::string place(const char* below, const std::string& name) const {
    return settings.directory + "/" + below + "/" + name;
  }
  std::string writing(const std::string& name) const { return place("writing", name); }
  std::string outgoing(const MediaName& name) const { return place("outgoing", protocol::to_hex(name)); }
  std::string cached(const MediaName& name) const { return place("cache", protocol::to_hex(name)); }
  std::string new_name() { return protocol::to_hex(random.bytes<16>()); }

  template <class T>
  void run(std::function<Result<T>()> work, MediaDone<T> done) {
    run_media_job<T>(shared_from_this(), std::move(work), std::move(done));
  }

  // --- cache/: what is used last goes last
  struct Kept {
    std::uint64_t bytes = 0, turn = 0;
  };
  std::map<MediaName, Kept> kept;
  std::map<std::uint64_t, MediaName> by_turn;
  std::uint64_t kept_bytes = 0, last_turn = 0;

  void used(const MediaName& name) {
    const auto found = kept.find(name);
    if (found == kept.end()) return;
    by_turn.erase(found->second.turn);
    found->second.turn = ++last_turn;
    by_turn.emplace(last_turn, name);
  }
  void forget(const MediaName& name) {
    const auto found = kept.find(name);
    if (found == kept.end()) return;
    kept_bytes -= found->second.bytes;
    by_turn.erase(found->second.turn);
    kept.erase(found);
  }
  void arrived(const MediaName& name, std::uint64_t bytes) {
    forget(name);
    kept.emplace(name, Kept{bytes, ++last_turn});
    by_turn.emplace(last_turn, name);
    kept_bytes += bytes;
    make_room();
  }
  void make_room() {
    std::vector<std::string> gone;
    // The last one stays whatever its size: somebody has just asked for it.
    while (kept_bytes > settings.max_cache_bytes && kept.size() > 1) {
      const MediaName oldest = by_turn.begin()->second;
      forget(oldest);
      gone.push_back(cached(oldest));
    }
    if (!gone.empty()) remove(std::move(gone));
  }
  void remove(std::vector<std::string> paths) {
    const auto work = [paths = std::move(paths)] {
      for (const std::string& path : paths) remove_file(path);
    };
    if (!workers.run(work, [] {})) work();
  }

  // --- writing/ and outgoing/
  std::uint64_t spooled = 0;
  std::map<MediaName, std::uint64_t> outgoing_bytes;
  /// It has moved on, or nobody needs it.
  void unspool(const MediaName& name) {
    const auto found = outgoing_bytes.find(name);
    if (found == outgoing_bytes.end()) return;
    spooled -= found->second;
    outgoing_bytes.erase(found);
  }

  VaultSettings settings;
  net::Workers& workers;
  protocol::Random& random;
  bool ended = false;
};

namespace {

template <class Vault>
class OpenReader final : public MediaReader {
 public:
  OpenReader(std::shared_ptr<Vault> vault, std::shared_ptr<OpenedMedia> media)
      : vault_(std::move(vault)), media_(std::move(media)) {}
  std::uint64_t length() const override { return media_->length; }
  void read(std::uint64_t begin, std::uint64_t end, MediaDone<std::string> done) override {
    if (begin > end || end > media_->length || end - begin > max_piece_bytes)
      return done(Error(Errc::internal, "a range outside of the media file"));
    vault_->template run<std::string>(
        [media = media_, begin, end]() -> Result<std::string> {
          if (begin == end) return std::string();
          return decrypt(media->file, media->keys, begin, end, media->ciphertext);
        },
        std::move(done));
  }

 private:
  std::shared_ptr<Vault> vault_;
  std::shared_ptr<OpenedMedia> media_;
};

/// A file may move from outgoing/ to cache/ between two looks.
template <class Vault>
Result<DiskFile> open_either(const Vault& vault, const MediaName& name) {
  for (const std::string& path : {vault.outgoing(name), vault.cached(name), vault.outgoing(name)}) {
    auto file = DiskFile::open(path);
    if (file || file.error().code != Errc::not_found) return file;
  }
  return Error(Errc::not_found, "the media file is not here");
}

template <class Vault>
Result<std::shared_ptr<OpenedMedia>> open_media(const Vault& vault, const MediaName& name,
                                                const protocol::MediaKeys& keys) {
  auto file = open_either(vault, name);
  if (!file) return file.error();
  auto media = std::make_shared<OpenedMedia>();
  media->file = std::move(*file);
  media->keys = keys;
  media->file.touch();
  if (auto measured = measure(*media); !measured) return measured.error();
  return media;
}

}  // namespace

MediaVault::MediaVault(VaultSettings settings, net::Workers& workers, protocol::Random& random)
    : state_(std::make_shared<State>(std::move(settings), workers, random)) {}

MediaVault::~MediaVault() { state_->ended = true; }

Result<void> MediaVault::open(const std::set<MediaName>& needed) {
  State& state = *state_;
  for (const char* below : {"", "/writing", "/outgoing", "/cache"}) {
    if (auto made = make_private_directory(state.settings.directory + below); !made) return made.error();
  }
  const auto half = list_files(state.settings.directory + "/writing");
  if (!half) return half.error();
  for (const auto& [name, file] : *half) remove_file(state.writing(name));

  std::set<std::string> wanted;
  for (const MediaName& name : needed) wanted.insert(protocol::to_hex(name));
  const auto outgoing = list_files(state.settings.directory + "/outgoing");
  if (!outgoing) return outgoing.error();
  for (const auto& [name, file] : *outgoing) {
    if (!wanted.contains(name)) {
      remove_file(state.place("outgoing", name));
    } else {
      state.spooled += file.bytes;
      state.outgoing_bytes.emplace(*protocol::exactly<32>(*protocol::from_hex(name)), file.bytes);
    }
  }

  const auto cache = list_files(state.settings.directory + "/cache");
  if (!cache) return cache.error();
  std::vector<std::pair<std::int64_t, MediaName>> by_use;
  for (const auto& [text, file] : *cache) {
    const auto bytes = protocol::from_hex(text);
    MediaName name{};
    if (!bytes || bytes->size() != name.size() || text != protocol::to_hex(*bytes)) continue;  // none of ours
    std::copy(bytes->begin(), bytes->end(), name.begin());
    state.kept.emplace(name, State::Kept{file.bytes, 0});
    state.kept_bytes += file.bytes;
    by_use.emplace_back(file.used_at, name);
  }
  std::sort(by_use.begin(), by_use.end());
  for (const auto& [used_at, name] : by_use) {
    state.kept.at(name).turn = ++state.last_turn;
    state.by_turn.emplace(state.last_turn, name);
  }
  state.make_room();
  return {};
}

std::shared_ptr<MediaWriter> MediaVault::write(MediaKind kind, protocol::Sidecar sidecar) {
  const protocol::MediaKey key = state_->random.bytes<32>();
  return std::make_shared<SealingWriter<State>>(
      state_, std::make_shared<SealedFile>(state_->writing(state_->new_name()), kind, key, sidecar));
}

std::shared_ptr<MediaReceiver> MediaVault::receive(const MediaReference& reference, MediaKind kind) {
  return std::make_shared<VerifyingReceiver<State, ReceivedFile>>(
      state_, std::make_shared<ReceivedFile>(state_->writing(state_->new_name()), media_name(reference, kind),
                                             reference, kind));
}

std::shared_ptr<MediaReceiver> MediaVault::receive_plain(const MediaReference& reference, MediaKind kind) {
  return std::make_shared<VerifyingReceiver<State, PlainFile>>(
      state_,
      std::make_shared<PlainFile>(state_->writing(state_->new_name()), media_name(reference, kind), reference, kind));
}

bool MediaVault::holds(const MediaName& name) const { return state_->kept.contains(name); }

void MediaVault::read(const MediaReference& reference, MediaKind kind, MediaDone<std::shared_ptr<MediaReader>> done) {
  const MediaName name = media_name(reference, kind);
  state_->used(name);
  state_->run<std::shared_ptr<OpenedMedia>>(
      [state = state_, name, keys = protocol::expand_media_key(reference.key, kind)] {
        return open_media(*state, name, keys);
      },
      [state = state_.get(), name, done = std::move(done)](Result<std::shared_ptr<OpenedMedia>> media) {
        if (!media) {
          if (media.error().code == Errc::not_found) state->forget(name);  // somebody else removed it
          return done(media.error());
        }
        done(std::make_shared<OpenReader<State>>(state->shared_from_this(), std::move(*media)));
      });
}

void MediaVault::load(const MediaReference& reference, MediaKind kind, std::uint64_t most,
                      MediaDone<std::string> done) {
  state_->run<std::string>(
      [state = state_, name = media_name(reference, kind), keys = protocol::expand_media_key(reference.key, kind),
       most]() -> Result<std::string> {
        const auto media = open_media(*state, name, keys);
        if (!media) return media.error();
        const OpenedMedia& opened = **media;
        if (opened.length > most) return Error(Errc::too_large, "the file is too large to be looked at as a whole");
        std::string whole;
        whole.reserve(static_cast<std::size_t>(opened.length));
        while (whole.size() < opened.length) {
          const std::uint64_t end = std::min<std::uint64_t>(opened.length, whole.size() + max_piece_bytes);
          const auto piece = decrypt(opened.file, opened.keys, whole.size(), end, opened.ciphertext);
          if (!piece) return piece.error();
          whole += *piece;
        }
        return whole;
      },
      std::move(done));
}

void MediaVault::open_encrypted(const MediaName& name, MediaDone<std::shared_ptr<Encrypted>> done) {
  state_->run<std::shared_ptr<Encrypted>>(
      [state = state_, name]() -> Result<std::shared_ptr<Encrypted>> {
        auto file = open_either(*state, name);
        if (!file) return file.error();
        return std::make_shared<Encrypted>(Encrypted{std::move(*file)});
      },
      std::move(done));
}

void MediaVault::read_encrypted(const std::shared_ptr<Encrypted>& file, std::uint64_t offset, std::size_t bytes,
                                MediaDone<std::string> done) {
  state_->run<std::string>(
      [file, offset, bytes]() -> Result<std::string> {
        if (bytes > max_piece_bytes) return Error(Errc::internal, "a piece of a media file is too large");
        std::string piece(bytes, '\0');
        if (auto read = file->file.read(offset, bytes_of(piece)); !read) return read.error();
        return piece;
      },
      std::move(done));
}

void MediaVault::keep(const MediaName& name) {
  state_->run<std::uint64_t>(
      [state = state_, name]() -> Result<std::uint64_t> {
        auto moved = move_durably(state->outgoing(name), state->cached(name));
        if (!moved) return moved.error();
        const auto file = DiskFile::open(state->cached(name));
        if (!file) return file.error();
        file->touch();
        return file->size();
      },
      [state = state_.get(), name](Result<std::uint64_t> bytes) {
        state->unspool(name);
        if (!bytes) {
          // Nobody needs it for an upload any more, and whoever asks for it fetches it.
          spdlog::warn("media_keep code={} detail={}", protocol::name(bytes.error().code),
                       log_value(bytes.error().detail));
          return state->remove({state->outgoing(name), state->cached(name)});
        }
        state->arrived(name, *bytes);
      });
}

// Which were used longest ago is known here, when it was the disk says: the order of a start may differ a little from
// it.
void MediaVault::sweep(std::int64_t now_ms, std::int64_t keep_ms, MediaDone<bool> done) {
  struct Looked {
    MediaName name{};
    std::uint64_t turn = 0;
    bool used = false;  // now, in place of removed
  };
  std::vector<Looked> oldest;
  for (auto next = state_->by_turn.begin(); next != state_->by_turn.end() && oldest.size() < sweep_batch; ++next)
    oldest.push_back({next->second, next->first});
  if (oldest.empty()) return done(false);
  state_->run<std::vector<Looked>>(
      [state = state_, oldest = std::move(oldest), now = now_ms * 1'000'000,
       keep = keep_ms * 1'000'000]() -> Result<std::vector<Looked>> {
        std::vector<Looked> looked;
        for (Looked one : oldest) {
          const std::string path = state->cached(one.name);
          const auto file = look_at_file(path);
          one.used = file && file->used_at > now;
          if (file && !one.used && file->used_at >= now - keep) break;
          if (!one.used) remove_file(path);
          else if (const auto open = DiskFile::open(path)) open->touch();
          looked.push_back(one);
        }
        return looked;
      },
      [state = state_.get(), done = std::move(done)](Result<std::vector<Looked>> looked) {
        if (!looked) return done(looked.error());
        bool any_gone = false;  // who begins again for the next ones must come to an end
        for (const Looked& one : *looked) {
          any_gone = any_gone || !one.used;
          const auto kept = state->kept.find(one.name);
          if (kept == state->kept.end() || kept->second.turn != one.turn) continue;
          if (one.used) state->used(one.name);
          else state->forget(one.name);
        }
        done(any_gone && looked->size() == sweep_batch);
      });
}

void MediaVault::drop(const MediaName& name) {
  state_->unspool(name);
  state_->forget(name);
  state_->remove({state_->outgoing(name), state_->cached(name)});
}

}  // namespace wharf::sessions
