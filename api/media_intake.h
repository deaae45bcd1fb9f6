#pragma once
// The body of a request that brings files, taken while it comes: JSON with media written as text, or a form. Files go
// on into their writers piece by piece, and nothing more is read of the client until a piece is there; the fields
// beside them are collected, and bounded.
//
//   application/json     a string at "data", "media.data" or "files[i].data" is a file: a data URL or bare base64
//   multipart/form-data  a part with a filename, or one called file, data or media with a Content-Type, is a file; one
//                        called data with neither is as in JSON; a browser's empty file input is none. Every other part
//                        is a field: UTF-8, at most 64 KiB, all together web::max_json_bytes; what it is as JSON,
//                        form_fields.h says; one given twice is refused, unless it is a list of texts
//
// Once something is wrong nothing more is written: a body that ends soon is read to its end, any other is enough().
// Loop thread only.

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/envelope.h"
#include "net/body_stream.h"
#include "sessions/media/media_vault.h"
#include "web/schema.h"

namespace wharf::api {

/// A file that has come whole. Its writer has every byte, and is finished by whoever keeps the file: dropped, it is
/// gone.
struct TakenFile {
  static constexpr std::size_t max_head_bytes = 64u << 10;

  std::string field;         // where it stood: "data", "files[1].data", the name of a part ("file",
                             // of several of one name "file[0]", "file[1]"); "url"
  std::string file_name;     // as given, made safe by nobody yet (web/file_name.h); "" for none
  std::string content_type;  // as given, no more than somebody's word; "" for none
  std::string head;          // its first max_head_bytes
  std::uint64_t length = 0;  // never 0
  std::shared_ptr<sessions::MediaWriter> writer;  // shared with its pending calls
};

/// What an error of a writer is to the one who sent the file in `field`.
Failure writer_failure(const protocol::Error& error, std::string_view field);

struct IntakeSettings {
  std::uint64_t max_file_bytes = 2ull << 30;
  std::size_t max_files = 10;
  const web::Schema* fields = nullptr;  // of the route; outlives the intake
};

class MediaIntake final : public net::BodyReceiver {
 public:
  static constexpr std::size_t max_form_text_bytes = 64u << 10;
  /// So much is still read, to nowhere, after a problem: that of a small body is answered on a connection that lives.
  static constexpr std::size_t max_discarded_bytes = 1u << 20;
  /// Asked for each file, before its first byte.
  using NewWriter = std::function<std::shared_ptr<sessions::MediaWriter>()>;

  MediaIntake(std::string_view content_type, IntakeSettings settings, NewWriter new_writer);
  ~MediaIntake() override;  // unfinished files are dropped
  /// One of the two types, by its header; any other is answered 415.
  static bool reads(std::string_view content_type);

  void take(std::string bytes, std::function<void()> taken) override;
  bool enough() const override;

  struct Taken {
    std::vector<TakenFile> files;  // in order
    boost::json::object fields;    // not validated; without the members that were files
  };
  /// The body is over; called once. Failures name the field: 400, 413, 415, and 503 or 507 of a writer.
  std::variant<Taken, Failure> finish();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with nobody; the pending calls of writers ask whether it is there
};

}  // namespace wharf::api
