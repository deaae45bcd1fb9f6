// A JSON body with media, of arbitrary bytes. Whatever the reader of other bodies takes, this one takes in any pieces,
// and makes the same object of it but for the media; and nothing else does it take. The media is then decoded, which
// must not depend on the pieces either.

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "web/base64_stream.h"
#include "web/json_body.h"
#include "web/media_json_reader.h"

using namespace wharf;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

std::string decoded(std::string_view text, std::size_t piece_bytes) {
  web::MediaTextDecoder decoder;
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes)
    if (const auto fed = decoder.feed(text.substr(at, piece_bytes), bytes); !fed) return fed.error().detail;
  const auto finished = decoder.finish(bytes);
  check(bytes.size() <= text.size());
  return finished ? decoder.media_type() + "|" + bytes : finished.error().detail;
}

struct Recorder final : web::MediaTextSink {
  protocol::Result<> field_begins(std::string_view field) override {
    check(!open);
    open = &texts[std::string(field)];
    open->clear();
    return {};
  }
  protocol::Result<> field_text(std::string_view text) override {
    check(open && !text.empty());
    *open += text;
    return {};
  }
  protocol::Result<> field_ends() override {
    check(open);
    open = nullptr;
    return {};
  }
  std::map<std::string, std::string> texts;
  std::string* open = nullptr;
};

boost::json::value* member(boost::json::object& object, std::string_view name) { return object.if_contains(name); }

/// The media of `object` as `sink` has it, put back where it was.
void put_back(boost::json::object& object, const Recorder& sink) {
  const auto put = [&](boost::json::value* at, const std::string& field) {
    if (!at || !at->is_string()) return;
    check(at->get_string().empty() && sink.texts.contains(field));
    *at = sink.texts.at(field);
  };
  put(member(object, "data"), "data");
  if (auto* media = member(object, "media"); media && media->is_object())
    put(member(media->get_object(), "data"), "media.data");
  auto* files = member(object, "files");
  if (!files || !files->is_array()) return;
  for (std::size_t i = 0; i < files->get_array().size(); ++i)
    if (auto* file = files->get_array()[i].if_object())
      put(member(*file, "data"), "files[" + std::to_string(i) + "].data");
}

void check_pieces(std::string_view body, std::size_t piece_bytes, const boost::json::object* expected) {
  Recorder sink;
  web::MediaJsonReader reader({"data", "media.data", "files[].data"}, sink);
  bool fed = true;
  for (std::size_t at = 0; fed && at < body.size(); at += piece_bytes)
    fed = reader.feed(body.substr(at, piece_bytes)).has_value();
  auto object = reader.finish();
  check(object.has_value() == (expected != nullptr));
  if (!object) return;
  check(fed && !sink.open);
  put_back(*object, sink);
  check(boost::json::serialize(*object) == boost::json::serialize(*expected));
  for (const auto& [field, text] : sink.texts) check(decoded(text, text.size() + 1) == decoded(text, piece_bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = web::read_json_object("application/json", body);
  if (!whole && whole.error().kind != web::BodyProblem::Kind::malformed) return 0;
  const boost::json::object* expected = whole ? &*whole : nullptr;
  check_pieces(body, body.size() + 1, expected);
  check_pieces(body, 1, expected);
  check_pieces(body, data[0] % 97u + 2, expected);
  return 0;
}
