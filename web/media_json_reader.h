#pragma once
// A JSON body with media in it, read while it comes: the text of a few named fields goes on in pieces, everything else
// is collected, and bounded as any JSON body is (web/json_body.h).

#include <boost/json/object.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace wharf::web {

/// Takes the streamed texts, one after the other. An error from it stops the reader and is what feed() returns.
class MediaTextSink {
 public:
  virtual ~MediaTextSink() = default;
  /// `field` is as the reader was given it, of a list with the place in it: "files[2].data". A field that begins a
  /// second time replaces what came before, as the last of two members of one name does everywhere.
  virtual protocol::Result<> field_begins(std::string_view field) = 0;
  virtual protocol::Result<> field_text(std::string_view text) = 0;  // unescaped UTF-8, cut anywhere, never empty
  virtual protocol::Result<> field_ends() = 0;
};

/// After a failure of any call every later one returns the same error. Errors: malformed (not JSON, or not an object),
/// truncated (by finish()), too_large; details are for the one who made the request.
class MediaJsonReader {
 public:
  /// `fields` are names of members of the body ("data"), of an object in it ("media.data") or of the objects of a list
  /// in it ("files[].data"). Only strings are streamed, another value is collected. `sink` outlives the reader.
  MediaJsonReader(std::vector<std::string> fields, MediaTextSink& sink);
  MediaJsonReader(MediaJsonReader&&) noexcept;
  ~MediaJsonReader();

  protocol::Result<> feed(std::string_view piece);

  /// The body is over; called once. The object has "" for each streamed text: a field is what was streamed when it is a
  /// string here, and was overridden by a later member otherwise. An empty body is {}. Nesting is bounded by the parser
  /// (32), the whole by web::max_json_bytes: counted as compact JSON without the streamed texts and without escapes.
  protocol::Result<boost::json::object> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wharf::web
