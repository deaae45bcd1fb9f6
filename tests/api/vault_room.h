#pragma once
// A media vault in a temporary directory, with a worker of its own: what is written can be read back.

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "net/base64.h"
#include "net/worker_pool.h"
#include "protocol/crypto/random.h"
#include "sessions/media/media_vault.h"
#include "tests/support/loop.h"

namespace wharf::test {

struct VaultRoom {
  VaultRoom() {
    std::string pattern = std::filesystem::temp_directory_path() / "wharf-vault-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()));
    directory = pattern;
    workers = std::make_unique<net::WorkerPool>(loop.get_executor(), 1);
    sessions::VaultSettings settings;
    settings.directory = directory + "/media";
    settings.max_file_bytes = max_file_bytes;
    vault = std::make_unique<sessions::MediaVault>(settings, *workers, random);
    REQUIRE(vault->open({}).has_value());
  }
  ~VaultRoom() {
    vault.reset();
    workers.reset();
    std::filesystem::remove_all(directory);
  }

  std::function<std::shared_ptr<sessions::MediaWriter>()> new_writer() {
    return [this] {
      ++writers;
      return vault->write(protocol::MediaKind::image, protocol::Sidecar::none);
    };
  }
  std::size_t files(const std::string& below) const {
    using Directory = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(Directory(directory + "/media/" + below), Directory()));
  }
  /// Nothing is being written, now or soon.
  bool nothing_written() {
    return run_until(loop, [this] { return files("writing") == 0; });
  }
  /// Finishes a file, and reads it back.
  std::string content(sessions::MediaWriter& writer) {
    std::optional<sessions::SealedMedia> sealed;
    writer.finish([&](protocol::Result<sessions::SealedMedia> result) {
      REQUIRE(result.has_value());
      sealed = *result;
    });
    REQUIRE(run_until(loop, [&] { return sealed.has_value(); }));
    std::optional<std::string> whole;
    vault->load(sealed->reference(), sealed->kind, max_file_bytes, [&](protocol::Result<std::string> read) {
      REQUIRE(read.has_value());
      whole = *read;
    });
    REQUIRE(run_until(loop, [&] { return whole.has_value(); }));
    return *whole;
  }

  static constexpr std::uint64_t max_file_bytes = 8u << 20;
  boost::asio::io_context loop;
  protocol::SeededRandom random{11};
  std::string directory;
  std::unique_ptr<net::WorkerPool> workers;
  std::unique_ptr<sessions::MediaVault> vault;
  int writers = 0;  // that were asked for
};

inline std::string base64(const std::string& bytes) { return net::base64_encode(protocol::as_bytes(bytes)); }

/// Bytes that are no text and repeat nowhere near.
inline std::string media_bytes(std::size_t size, unsigned seed = 1) {
  std::string out(size, '\0');
  unsigned state = seed * 2654435761u;
  for (char& c : out) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

}  // namespace wharf::test
