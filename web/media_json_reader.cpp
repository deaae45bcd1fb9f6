#include "web/media_json_reader.h"

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "web/json_body.h"

namespace wharf::web {
namespace {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

// What Boost.JSON calls while it parses. The value under construction lives in a value_stack, as in its own parser; a
// string comes in parts there, and those of a streamed field take the other way.
class Collector {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  Collector(std::vector<std::string> fields, MediaTextSink& sink) : fields_(std::move(fields)), sink_(sink) {
    values_.reset();
  }

  const std::optional<Error>& failure() const { return failure_; }
  json::value release() { return values_.release(); }

  using Failed = json::error_code;
  bool on_document_begin(Failed&) { return true; }
  bool on_document_end(Failed&) { return true; }
  bool on_object_begin(Failed& failed) {
    ++objects_;
    return charge(1, failed);  // two brackets; its members are charged a comma each, one too many
  }
  bool on_object_end(std::size_t members, Failed& failed) {
    --objects_;
    values_.push_object(members);
    item_ends();
    return charge((members == 0 ? 1 : 0) + comma(), failed);
  }
  bool on_array_begin(Failed& failed) {
    if (!no_object(failed)) return false;
    if (arrays_++ == 0) {
      list_at_ = objects_;
      item_ = 0;
    }
    return charge(1, failed);
  }
  bool on_array_end(std::size_t items, Failed& failed) {
    --arrays_;
    values_.push_array(items);
    item_ends();
    return charge((items == 0 ? 1 : 0) + comma(), failed);
  }
  bool on_key_part(json::string_view text, std::size_t, Failed& failed) {
    if (!charge(text.size(), failed)) return false;
    key_text(text);
    values_.push_chars(text);
    return true;
  }
  bool on_key(json::string_view text, std::size_t, Failed& failed) {
    if (!charge(text.size() + 3, failed)) return false;
    key_text(text);
    key_over_ = true;
    values_.push_key(text);
    return true;
  }
  bool on_string_part(json::string_view text, std::size_t, Failed& failed) {
    if (const std::string* field = field_at_hand()) return stream(*field, text, failed);
    if (!no_object(failed) || !charge(text.size(), failed)) return false;
    values_.push_chars(text);
    return true;
  }
  bool on_string(json::string_view text, std::size_t, Failed& failed) {
    if (const std::string* field = field_at_hand()) {
      if (!stream(*field, text, failed) || !charge(2 + comma(), failed)) return false;
      streaming_ = false;
      values_.push_string("");
      return passed(sink_.field_ends(), failed);
    }
    if (!no_object(failed) || !charge(text.size() + 2 + comma(), failed)) return false;
    values_.push_string(text);
    item_ends();
    return true;
  }
  bool on_number_part(json::string_view text, Failed& failed) { return charge(text.size(), failed); }
  bool on_int64(std::int64_t number, json::string_view text, Failed& failed) {
    if (!scalar(text.size(), failed)) return false;
    values_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view text, Failed& failed) {
    if (!scalar(text.size(), failed)) return false;
    values_.push_uint64(number);
    return true;
  }
  bool on_double(double number, json::string_view text, Failed& failed) {
    if (!scalar(text.size(), failed)) return false;
    values_.push_double(number);
    return true;
  }
  bool on_bool(bool value, Failed& failed) {
    if (!scalar(value ? 4 : 5, failed)) return false;
    values_.push_bool(value);
    return true;
  }
  bool on_null(Failed& failed) {
    if (!scalar(4, failed)) return false;
    values_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, Failed&) { return true; }
  bool on_comment(json::string_view, Failed&) { return true; }

 private:
  static constexpr std::string_view each_item = "[]";

  bool fail(Error error, Failed& failed) {
    failure_ = std::move(error);
    failed = json::error::exception;  // any: failure() says what
    return false;
  }
  bool passed(const Result<>& result, Failed& failed) { return result ? true : fail(result.error(), failed); }

  bool outermost() const { return objects_ == 0 && arrays_ == 0; }
  bool no_object(Failed& failed) {
    return !outermost() || fail(Error(Errc::malformed, "the body is not a JSON object"), failed);
  }
  bool scalar(std::size_t bytes, Failed& failed) {
    item_ends();
    return no_object(failed) && charge(bytes + comma(), failed);
  }
  std::size_t comma() const { return outermost() ? 0 : 1; }

  bool charge(std::size_t bytes, Failed& failed) {
    collected_bytes_ += bytes;
    return collected_bytes_ <= max_json_bytes ||
           fail(
               Error(Errc::too_large, fmt::format("a JSON body has at most {} bytes beside its media", max_json_bytes)),
               failed);
  }

  /// Of a list that is a member of the body the items are counted.
  void item_ends() {
    if (arrays_ == 1 && objects_ == 1) ++item_;
  }
  /// Within an object that is an item of such a list, and in none of its members.
  bool in_item() const { return arrays_ == 1 && list_at_ == 1 && objects_ == 2; }

  // Only the names that can be part of a field's are kept: of members of the body, of objects right in it and of those
  // of its lists.
  void key_text(json::string_view text) {
    if ((arrays_ > 0 && !in_item()) || objects_ > keys_.size()) return;
    std::string& key = keys_[objects_ - 1];
    if (std::exchange(key_over_, false)) key.clear();
    key.append(text.data(), text.size());
  }

  const std::string* field_at_hand() const {
    if ((arrays_ > 0 && !in_item()) || objects_ == 0 || objects_ > keys_.size()) return nullptr;
    for (const std::string& field : fields_) {
      const std::string_view name = field;
      const std::size_t dot = name.find('.');
      const bool inner = dot != std::string_view::npos;
      if (objects_ == 1 && !inner && name == keys_[0]) return &field;
      if (objects_ != 2 || !inner || name.substr(dot + 1) != keys_[1]) continue;
      const std::string_view outer = name.substr(0, dot);
      const bool list = outer.ends_with(each_item);
      if (list == in_item() && (list ? outer.substr(0, outer.size() - each_item.size()) : outer) == keys_[0])
        return &field;
    }
    return nullptr;
  }
  bool stream(const std::string& field, json::string_view text, Failed& failed) {
    if (!std::exchange(streaming_, true)) {
      std::string told = field;
      if (const std::size_t item = told.find(each_item); item != std::string::npos)
        told.replace(item, each_item.size(), fmt::format("[{}]", item_));
      if (!passed(sink_.field_begins(told), failed)) return false;
    }
    return text.empty() || passed(sink_.field_text({text.data(), text.size()}), failed);
  }

  std::vector<std::string> fields_;
  MediaTextSink& sink_;
  json::value_stack values_;
  std::size_t objects_ = 0, arrays_ = 0;  // open ones
  std::size_t list_at_ = 0, item_ = 0;    // of the outermost open array: the objects around it; which item is at hand
  std::array<std::string, 2> keys_;       // of the member at hand, by depth
  bool key_over_ = true;                  // the next text of a key begins one
  bool streaming_ = false;                // within a string that is a field's
  std::size_t collected_bytes_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

struct MediaJsonReader::State {
  State(std::vector<std::string> fields, MediaTextSink& sink)
      : parser(json::parse_options(), std::move(fields), sink) {}

  // What the parser says of the bytes it was given.
  Result<> parsed(std::size_t read, std::size_t given, json::error_code failed) {
    if (!failed && read < given) failed = json::error::extra_data;
    bytes += read;
    if (!failed) return {};
    const auto& own = parser.handler().failure();
    failure = own ? *own
                  : Error(failed == json::error::incomplete ? Errc::truncated : Errc::malformed,
                          fmt::format("the body is not valid JSON: {} near byte {}", failed.message(), bytes + 1));
    return *failure;
  }

  json::basic_parser<Collector> parser;
  std::uint64_t bytes = 0;
  std::optional<Error> failure;
};

MediaJsonReader::MediaJsonReader(std::vector<std::string> fields, MediaTextSink& sink)
    : state_(std::make_unique<State>(std::move(fields), sink)) {}
MediaJsonReader::MediaJsonReader(MediaJsonReader&&) noexcept = default;
MediaJsonReader::~MediaJsonReader() = default;

Result<> MediaJsonReader::feed(std::string_view piece) {
  if (state_->failure) return *state_->failure;
  if (piece.empty()) return {};
  json::error_code failed;
  const std::size_t read = state_->parser.write_some(true, piece.data(), piece.size(), failed);
  return state_->parsed(read, piece.size(), failed);
}

Result<json::object> MediaJsonReader::finish() {
  if (state_->failure) return *state_->failure;
  if (state_->bytes == 0) return json::object();
  json::error_code failed;
  state_->parser.write_some(false, nullptr, 0, failed);
  if (const auto parsed = state_->parsed(0, 0, failed); !parsed) return parsed.error();
  return std::move(state_->parser.handler().release().get_object());
}

}  // namespace wharf::web
