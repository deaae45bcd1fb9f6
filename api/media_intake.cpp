#include "api/media_intake.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "api/form_fields.h"
#include "net/web_guard.h"
#include "protocol/text.h"
#include "sessions/log_value.h"
#include "web/base64_stream.h"
#include "web/json_body.h"
#include "web/media_json_reader.h"
#include "web/multipart_reader.h"
#include "web/query.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

constexpr std::array<std::string_view, 3> media_members{"data", "media.data", "files[].data"};
constexpr std::array<std::string_view, 3> media_parts{"file", "data", "media"};

Failure wrong_field(std::string_view field, std::string_view what) {
  const std::string name = web::echo(field);
  return Failure(ErrorCode::validation, fmt::format("{} {}", name, what), {{name, std::string(what)}});
}

Failure too_large(std::string_view field, std::uint64_t most) {
  const std::string name = web::echo(field);
  return Failure(ErrorCode::payload_too_large, fmt::format("{} has more than {} bytes", name, most),
                 {{name, fmt::format("must have at most {} bytes", most)}});
}

Failure body_failure(const Error& error) {
  switch (error.code) {
    case Errc::unsupported: return Failure(ErrorCode::unsupported_media_type, error.detail);
    case Errc::too_large: return Failure(ErrorCode::payload_too_large, error.detail, {{"body", error.detail}});
    default: return Failure(ErrorCode::validation, error.detail, {{"body", error.detail}});
  }
}

/// The object that holds the member of a name as web::MediaJsonReader tells it, and the name there.
std::pair<json::object*, std::string_view> holder(json::object& body, std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {&body, name};
  std::string_view outer_name = name.substr(0, dot);
  const std::size_t bracket = outer_name.find('[');
  json::value* outer = body.if_contains(outer_name.substr(0, bracket));
  if (outer && bracket != std::string_view::npos) {
    outer_name.remove_prefix(bracket + 1);
    const auto index = web::parse_integer(outer_name.substr(0, outer_name.size() - 1));
    json::array* list = outer->if_array();
    outer = list && index ? list->if_contains(static_cast<std::size_t>(*index)) : nullptr;
  }
  return {outer ? outer->if_object() : nullptr, name.substr(dot + 1)};
}

}  // namespace

Failure writer_failure(const Error& error, std::string_view field) {
  switch (error.code) {
    case Errc::too_large:
      return Failure(ErrorCode::payload_too_large, fmt::format("{}: {}", field, error.detail),
                     {{std::string(field), error.detail}});
    // Not the caller's pace: the workers are busy with the files of everybody.
    case Errc::rate_limited: return Failure(ErrorCode::unavailable, error.detail);
    case Errc::storage_full: return Failure(ErrorCode::storage_full, "there is no room for more files now");
    default:  // where on our disk is nobody's business
      spdlog::error("media_file code={} detail={}", protocol::name(error.code), sessions::log_value(error.detail));
      return Failure(ErrorCode::storage, "the file could not be kept or read");
  }
}

struct MediaIntake::State final : web::MediaTextSink,
                                  web::MultipartSink,
                                  std::enable_shared_from_this<MediaIntake::State> {
  State(std::string_view content_type, IntakeSettings s, NewWriter w)
      : settings(s), new_writer(std::move(w)), form(s.fields) {
    if (net::is_json_type(content_type)) {
      json_reader.emplace(std::vector<std::string>(media_members.begin(), media_members.end()), *this);
      return;
    }
    auto opened = web::MultipartReader::open(content_type, *this);
    if (opened) form_reader.emplace(std::move(*opened));
    else failure = body_failure(opened.error());
  }

  // --- pieces of the body

  void take(std::string_view bytes, std::function<void()> done) {
    if (failure) {
      discarded += std::min(bytes.size(), max_discarded_bytes - discarded);
      return done();
    }
    const auto read = json_reader ? json_reader->feed(bytes) : form_reader->feed(bytes);
    if (!read) fail(body_failure(read.error()));
    taken = std::move(done);
    write();
  }

  /// One after the other; nothing is read of the client meanwhile.
  void write() {
    if (pieces.empty()) {
      if (const auto done = std::exchange(taken, nullptr)) done();
      return;
    }
    Piece piece = std::move(pieces.front());
    pieces.pop_front();
    const auto writer = piece.writer;  // a refusal is told inside the call, and drops the file
    writer->append(std::move(piece.bytes), [weak = weak_from_this(), field = piece.field](Result<void> written) {
      const auto self = weak.lock();
      if (!self) return;
      if (!written) self->fail(writer_failure(written.error(), field));
      self->write();
    });
  }

  /// The first one counts; the readers are not asked again.
  void fail(Failure why) {
    if (!failure) failure = std::move(why);
    files.clear();
    pieces.clear();
  }
  /// Inside a reader: what it returns is not looked at, the failure is here.
  Error refuse(Failure why) {
    if (!failure) failure = std::move(why);
    return {Errc::refused, {}};
  }

  // --- files

  Result<> begin_file(std::string_view field, std::string file_name, std::string content_type) {
    // Of the whole body: also those that came to nothing.
    if (++begun > settings.max_files)
      return refuse(
          wrong_field(field, fmt::format("is one file too many: at most {} in a request", settings.max_files)));
    TakenFile file;
    file.field = field;
    file.file_name = std::move(file_name);
    file.content_type = std::move(content_type);
    files.push_back(std::move(file));
    return {};
  }

  Result<> add_bytes(std::string_view bytes) {
    if (bytes.empty()) return {};
    TakenFile& file = files.back();
    if (!file.writer) file.writer = new_writer();
    if (bytes.size() > settings.max_file_bytes - file.length)
      return refuse(too_large(file.field, settings.max_file_bytes));
    file.length += bytes.size();
    file.head += bytes.substr(0, TakenFile::max_head_bytes - file.head.size());
    if (pieces.empty() || pieces.back().writer != file.writer) pieces.push_back({file.writer, file.field, {}});
    pieces.back().bytes += bytes;
    return {};
  }

  void drop_file(std::string_view field) {
    const auto found =
        std::find_if(files.begin(), files.end(), [field](const TakenFile& file) { return file.field == field; });
    if (found == files.end()) return;
    std::erase_if(pieces, [&](const Piece& piece) { return piece.writer == found->writer; });
    files.erase(found);
  }

  // --- web::MediaTextSink

  Result<> field_begins(std::string_view field) override {
    drop_file(field);
    decoder.emplace();
    return begin_file(field, {}, {});
  }
  Result<> field_text(std::string_view text) override { return decode(text, At::inside); }
  Result<> field_ends() override {
    if (auto last = decode({}, At::end); !last) return last;
    if (files.back().length == 0) files.pop_back();  // "" is no file; the schema says whether it may be there
    return {};
  }
  enum class At { inside, end };
  Result<> decode(std::string_view text, At at) {
    std::string bytes;
    const auto decoded = at == At::end ? decoder->finish(bytes) : decoder->feed(text, bytes);
    if (!decoded) return refuse(wrong_field(files.back().field, decoded.error().detail));
    files.back().content_type = decoder->media_type();
    return add_bytes(bytes);
  }

  // --- web::MultipartSink

  Result<> part_begins(const web::PartHead& head) override {
    const bool media = std::find(media_parts.begin(), media_parts.end(), head.name) != media_parts.end();
    part = head.filename || media ? Part::file : Part::field;
    // Without a filename it is what JSON has there, or a file that was meant and not attached.
    const bool plain = !head.filename && head.content_type.empty();
    if (plain && head.name == media_members[0]) part = Part::encoded;
    if (plain && part == Part::file)
      return refuse(wrong_field(head.name, "is a text: attach a file (curl: -F file=@a.pdf), or use data or url"));
    part_name = head.name;
    part_text.clear();
    if (part == Part::field) return {};
    if (head.filename && head.filename->empty()) {
      part = Part::no_file;
      return {};
    }
    name_file();
    if (part == Part::encoded) {
      decoder.emplace();
      return begin_file(part_name, {}, {});
    }
    return begin_file(part_name, head.filename.value_or(std::string()), head.content_type);
  }
  /// The second file of a name is `name[1]`: else nobody knew which one an error is about.
  void name_file() {
    const std::size_t before = files_of_name[part_name]++;
    if (before > 0) part_name += fmt::format("[{}]", before);
  }
  Result<> part_bytes(std::string_view bytes) override {
    switch (part) {
      case Part::file: return add_bytes(bytes);
      case Part::encoded: return decode(bytes, At::inside);
      case Part::no_file:  // a file without a name, then
        part = Part::file;
        name_file();
        if (auto started = begin_file(part_name, {}, {}); !started) return started;
        return add_bytes(bytes);
      case Part::field: break;
    }
    text_bytes += bytes.size();
    if (part_text.size() + bytes.size() > max_form_text_bytes) return refuse(too_large(part_name, max_form_text_bytes));
    if (text_bytes > web::max_json_bytes)
      return refuse(
          Failure(ErrorCode::payload_too_large,
                  fmt::format("a form has at most {} bytes beside its files", web::max_json_bytes),
                  {{"body", fmt::format("must have at most {} bytes beside its files", web::max_json_bytes)}}));
    part_text += bytes;
    return {};
  }
  Result<> part_ends() override {
    if (part == Part::no_file) return {};
    if (part == Part::encoded) {
      if (auto last = decode({}, At::end); !last) return last;
    }
    if (part == Part::file || part == Part::encoded) {
      if (files.back().length == 0) return refuse(wrong_field(part_name, "is an empty file"));
      return {};
    }
    if (protocol::displayable(part_text) != part_text) return refuse(wrong_field(part_name, "is not UTF-8 text"));
    if (!form.add(part_name, part_text)) return refuse(wrong_field(part_name, "must not be there twice"));
    return {};
  }

  // --- the end

  std::variant<Taken, Failure> finish() {
    if (failure) return *failure;
    Taken out;
    if (json_reader) {
      auto body = json_reader->finish();
      if (!body) return body_failure(body.error());
      out.fields = std::move(*body);
      separate(out.fields);
    } else {
      if (auto whole = form_reader->finish(); !whole) return body_failure(whole.error());
      out.fields = form.take();
      for (TakenFile& file : files)
        if (const auto same = files_of_name.find(file.field); same != files_of_name.end() && same->second > 1)
          file.field += "[0]";
    }
    out.files = std::move(files);
    return out;
  }

  /// A member that came as media is no field; media that a later member of its name replaced are none.
  void separate(json::object& fields) {
    std::erase_if(files, [&fields](const TakenFile& file) {
      const auto [object, name] = holder(fields, file.field);
      const json::value* member = object ? object->if_contains(name) : nullptr;
      if (!member || !member->is_string()) return true;
      object->erase(name);
      return false;
    });
  }

  struct Piece {
    std::shared_ptr<sessions::MediaWriter> writer;
    std::string field, bytes;
  };
  /// no_file: of a form whose user chose none, so far. encoded: a file as data URL or base64.
  enum class Part { field, file, no_file, encoded };

  IntakeSettings settings;
  NewWriter new_writer;
  std::optional<web::MediaJsonReader> json_reader;
  std::optional<web::MultipartReader> form_reader;
  std::size_t begun = 0;  // files, in this body
  std::vector<TakenFile> files;
  std::deque<Piece> pieces;  // of what was taken last; not more than that decodes to
  std::function<void()> taken;
  std::optional<Failure> failure;
  std::size_t discarded = 0;                     // since then
  std::optional<web::MediaTextDecoder> decoder;  // of the member at hand
  FormFields form;
  Part part = Part::field;
  std::string part_name, part_text;
  std::map<std::string, std::size_t> files_of_name;  // of the form's parts
  std::size_t text_bytes = 0;                        // of all fields of the form
};

MediaIntake::MediaIntake(std::string_view content_type, IntakeSettings settings, NewWriter new_writer)
    : state_(std::make_shared<State>(content_type, settings, std::move(new_writer))) {}

MediaIntake::~MediaIntake() = default;

bool MediaIntake::reads(std::string_view content_type) {
  return net::is_json_type(content_type) || web::MultipartReader::is_multipart(content_type);
}

void MediaIntake::take(std::string bytes, std::function<void()> taken) {
  const auto state = state_;  // `taken` may end the request, and this with it
  state->take(bytes, std::move(taken));
}

bool MediaIntake::enough() const { return state_->failure && state_->discarded >= max_discarded_bytes; }

std::variant<MediaIntake::Taken, Failure> MediaIntake::finish() { return state_->finish(); }

}  // namespace wharf::api
