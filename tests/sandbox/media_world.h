#pragma once
// Phones with a media host on a virtual clock. Files are written and read when the test settles or steps the workers.

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "protocol/media/media_kind.h"
#include "protocol/messages/building.h"
#include "sandbox/media/media_host.h"
#include "tests/sandbox/disk.h"
#include "tests/sandbox/inline_workers.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

struct MediaWorld : PhoneWorld {
  /// `directory` "": gone with this object.
  explicit MediaWorld(const std::string& directory = "");
  ~MediaWorld();

  InlineWorkers workers;
  MediaStore store;
  std::shared_ptr<MediaHost> media;
  std::map<RowKey, Bytes> rows;

  /// Until neither a phone nor a worker has anything left to do.
  void settle_all();
  void commit();
  std::optional<Bytes> row(const RowKey& key);
  /// As Sandbox does at its start.
  void load(const std::map<RowKey, Bytes>& from);

  Phone& anna() { return *phones.find("15550000001"); }
  Phone& ben() { return *phones.find("15550000002"); }
  void two_phones();
  /// The file of a message as the phone shows it.
  protocol::Result<std::string> shown(const Phone& phone, const std::string& id);
};

/// Bytes that repeat nowhere near 64 KiB.
std::string picture(std::size_t size, unsigned seed = 1);
Phone::Send with_media(const std::string& to, PhoneMedia media);
PhoneMedia image(std::string bytes, std::string caption = "");
const PhoneMessage* with_id(const Phone& phone, const std::string& id);
std::string state_of(const Phone& phone, const std::string& id);
std::string failure_of(const Phone& phone, const std::string& id);

/// Anna and Ben.
struct MediaPair : MediaWorld {
  explicit MediaPair(const std::string& directory = "");
  ~MediaPair();
  std::string send(Phone& from, const Phone& to, PhoneMedia what);
  /// Until the message is there, and its file not yet.
  void until_shown(const Phone& phone, const std::string& id);
  void fault(MediaFault::What what, MediaWay on, std::uint64_t bytes = 0);
};

/// A file that a companion uploaded, and what its message says about it.
struct UploadedFile {
  protocol::MediaContent content;
  Bytes encrypted;
};
UploadedFile upload(MediaWorld& world, protocol::MessageKind kind, protocol::MediaKind media_kind,
                    const std::string& bytes);

}  // namespace wharf::sandbox::test
