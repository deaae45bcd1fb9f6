#pragma once
// Files of the vault on their way in: written, as the daemon has them in clear, and received, as media servers have
// them. They grow in writing/, and move on when they are whole and what they were announced as. Internal to
// sessions/media; a Vault is MediaVault::State.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "protocol/media/encrypted_file.h"
#include "sessions/media/media_disk.h"
#include "sessions/media/media_vault.h"

namespace wharf::sessions {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::MediaKind;
using protocol::MediaReference;
using protocol::Result;

/// What a writer and a receiver share: the file that grows, and the error that ended it.
struct Growing {
  Growing(std::string at) : path(std::move(at)) {}
  ~Growing() {
    if (!moved && file.is_open()) remove_file(path);
  }
  Result<void> append(ByteView bytes) {
    if (!file.is_open()) {
      auto made = DiskFile::create(path);
      if (!made) return made.error();
      file = std::move(*made);
    }
    return file.append(bytes);
  }
  Result<void> move_to(const std::string& to) {
    if (auto synced = file.sync(); !synced) return synced.error();
    if (auto renamed = move_durably(path, to); !renamed) return renamed.error();
    moved = true;
    return {};
  }

  std::string path;
  DiskFile file;
  bool moved = false;
  std::uint64_t taken = 0;
  std::optional<Error> failed;  // set on the loop
};

/// Where such a file is written: a worker appends to it, one job at a time. Unfinished when this ends: it is removed.
template <class Vault, class File>
class GrowingEnd {
 public:
  GrowingEnd(std::shared_ptr<Vault> vault, std::shared_ptr<File> file)
      : vault_(std::move(vault)), file_(std::move(file)) {}
  ~GrowingEnd() {
    // What is not finished is removed, and a large file takes its time.
    if (vault_->ended || !touched_) return;  // the file itself may be in a worker's hands
    auto keep = std::make_shared<std::shared_ptr<File>>(std::move(file_));
    (void)vault_->workers.run([keep] { keep->reset(); }, [] {});
  }
  GrowingEnd(const GrowingEnd&) = delete;
  GrowingEnd& operator=(const GrowingEnd&) = delete;

  template <class T>
  void run(std::function<Result<T>(File&)> work, MediaDone<T> done) {
    if (file_->failed) return done(*file_->failed);
    touched_ = true;
    vault_->template run<T>([file = file_, work = std::move(work)] { return work(*file); },
                            [file = file_, done = std::move(done)](Result<T> result) {
                              if (!result) file->failed = result.error();
                              done(std::move(result));
                            });
  }
  Vault& vault() { return *vault_; }
  File& file() { return *file_; }

 private:
  std::shared_ptr<Vault> vault_;
  std::shared_ptr<File> file_;
  bool touched_ = false;  // a worker has been asked to do something with it
};

struct SealedFile : Growing {
  SealedFile(std::string at, MediaKind what, const protocol::MediaKey& secret, protocol::Sidecar sidecar)
      : Growing(std::move(at)), kind(what), key(secret), encryptor(secret, what, sidecar) {}
  MediaKind kind;
  protocol::MediaKey key;
  protocol::MediaEncryptor encryptor;
};

template <class Vault>
class SealingWriter final : public MediaWriter {
 public:
  SealingWriter(std::shared_ptr<Vault> vault, std::shared_ptr<SealedFile> file)
      : end_(std::move(vault), std::move(file)) {}
  ~SealingWriter() override {
    if (!finished_) end_.vault().spooled -= counted_;
  }
  SealingWriter(const SealingWriter&) = delete;
  SealingWriter& operator=(const SealingWriter&) = delete;

  void append(std::string plain, MediaDone<void> done) override {
    SealedFile& file = end_.file();
    file.taken += plain.size();
    count(plain.size());
    if (!file.failed && file.taken > end_.vault().settings.max_file_bytes)
      file.failed = Error(Errc::too_large, "the file is larger than the limit of " +
                                               std::to_string(end_.vault().settings.max_file_bytes) + " bytes");
    end_.template run<void>(
        [plain = std::move(plain)](SealedFile& f) -> Result<void> {
          Bytes sealed;
          sealed.reserve(plain.size() + protocol::media_block_bytes);
          f.encryptor.update(protocol::as_bytes(plain), sealed);
          return f.append(sealed);
        },
        std::move(done));
  }

  void finish(MediaDone<SealedMedia> done) override {
    const auto vault = end_.vault().shared_from_this();
    finished_ = true;  // from here on it counts under its name, or not at all
    end_.template run<SealedMedia>(
        [vault](SealedFile& f) -> Result<SealedMedia> {
          Bytes rest;
          SealedMedia out{f.kind, f.key, f.encryptor.finish(rest)};
          if (auto written = f.append(rest); !written) return written.error();
          if (auto moved = f.move_to(vault->outgoing(out.name())); !moved) return moved.error();
          return out;
        },
        [vault, counted = counted_, done = std::move(done)](Result<SealedMedia> sealed) {
          if (sealed) vault->outgoing_bytes[sealed->name()] = counted;
          else vault->spooled -= counted;
          done(std::move(sealed));
        });
  }

 private:
  void count(std::uint64_t bytes) {
    Vault& vault = end_.vault();
    if (!end_.file().failed && vault.spooled + bytes > vault.settings.max_spool_bytes)
      end_.file().failed = Error(Errc::storage_full, "too many files wait for their upload");
    vault.spooled += bytes;
    counted_ += bytes;
  }

  std::uint64_t counted_ = 0;
  bool finished_ = false;
  GrowingEnd<Vault, SealedFile> end_;
};

/// What comes is kept as it comes.
struct ReceivedFile : Growing {
  ReceivedFile(std::string at, const MediaName& called, const MediaReference& reference, MediaKind kind)
      : Growing(std::move(at)), name(called), decryptor(reference, kind) {}
  static std::uint64_t most(std::uint64_t max_plain) { return protocol::encrypted_length(max_plain); }
  static std::uint64_t kept(std::uint64_t came) { return came; }
  Result<void> take(ByteView encrypted) {
    Bytes unverified;  // looked at by the hash of the plaintext alone
    unverified.reserve(encrypted.size() + protocol::media_block_bytes);
    decryptor.update(encrypted, unverified);
    return append(encrypted);
  }
  Result<void> end() {
    Bytes unverified;
    return decryptor.finish(unverified);
  }

  MediaName name;
  protocol::MediaDecryptor decryptor;
};

/// What comes is encrypted before it is kept.
struct PlainFile : Growing {
  PlainFile(std::string at, const MediaName& called, const MediaReference& reference, MediaKind kind)
      : Growing(std::move(at)),
        name(called),
        sha256(reference.hashes.file_sha256),
        encryptor(reference.key, kind, protocol::Sidecar::none) {}
  static std::uint64_t most(std::uint64_t max_plain) { return max_plain; }
  static std::uint64_t kept(std::uint64_t came) { return protocol::encrypted_length(came); }
  Result<void> take(ByteView plain) {
    Bytes sealed;
    sealed.reserve(plain.size() + protocol::media_block_bytes);
    encryptor.update(plain, sealed);
    return append(sealed);
  }
  Result<void> end() {
    Bytes rest;
    if (encryptor.finish(rest).file_sha256 != sha256)
      return Error(Errc::bad_mac, "media file is not the announced one");
    return append(rest);
  }

  MediaName name;
  protocol::Digest32 sha256{};
  protocol::MediaEncryptor encryptor;
};

template <class Vault, class File>
class VerifyingReceiver final : public MediaReceiver {
 public:
  VerifyingReceiver(std::shared_ptr<Vault> vault, std::shared_ptr<File> file)
      : end_(std::move(vault), std::move(file)) {}

  void append(std::string bytes, MediaDone<void> done) override {
    File& file = end_.file();
    file.taken += bytes.size();
    if (!file.failed && file.taken > File::most(end_.vault().settings.max_file_bytes))
      file.failed = Error(Errc::too_large, "the file is larger than the limit of " +
                                               std::to_string(end_.vault().settings.max_file_bytes) + " bytes");
    end_.template run<void>([bytes = std::move(bytes)](File& f) { return f.take(protocol::as_bytes(bytes)); },
                            std::move(done));
  }

  void finish(MediaDone<void> done) override {
    const auto vault = end_.vault().shared_from_this();
    const MediaName name = end_.file().name;
    const std::uint64_t bytes = File::kept(end_.file().taken);
    end_.template run<void>(
        [vault](File& f) -> Result<void> {
          if (auto verified = f.end(); !verified) return verified.error();
          return f.move_to(vault->cached(f.name));
        },
        [vault, name, bytes, done = std::move(done)](Result<void> result) {
          if (result) vault->arrived(name, bytes);
          done(std::move(result));
        });
  }

 private:
  GrowingEnd<Vault, File> end_;
};

}  // namespace wharf::sessions
