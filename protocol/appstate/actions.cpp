#include "protocol/appstate/actions.h"

#include <utility>

#include "protocol/messages/wire.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_parts = 16;
constexpr std::uint32_t contact_field = 3, push_name_field = 7, lid_contact_field = 61;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

/// Reads one array; every step is nullopt or false where the text is not what it must be.
class IndexReader {
 public:
  explicit IndexReader(std::string_view text) : text_(text) {}

  std::vector<std::string> parts() {
    std::vector<std::string> out;
    if (!take('[')) return {};
    do {
      auto part = string();
      if (!part || out.size() == max_parts) return {};
      out.push_back(std::move(*part));
    } while (take(','));
    if (!take(']') || at_ != text_.size()) return {};
    return out;
  }

 private:
  bool take(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    skip_space();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  std::optional<std::string> string() {
    if (at_ >= text_.size() || text_[at_] != '"') return std::nullopt;
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        skip_space();
        return out;
      }
      if (c != '\\') {
        out.push_back(c);
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }
  bool escape(std::string& out) {
    if (++at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '"':
      case '\\':
      case '/': out.push_back(text_[at_]); return true;
      case 'b': out.push_back('\b'); return true;
      case 'f': out.push_back('\f'); return true;
      case 'n': out.push_back('\n'); return true;
      case 'r': out.push_back('\r'); return true;
      case 't': out.push_back('\t'); return true;
      case 'u': break;
      default: return false;
    }
    std::uint32_t code = 0;
    for (int digit = 0; digit < 4; ++digit) {
      if (++at_ >= text_.size()) return false;
      const char c = text_[at_];
      code <<= 4;
      if (c >= '0' && c <= '9') code += static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f') code += static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F') code += static_cast<std::uint32_t>(c - 'A' + 10);
      else return false;
    }
    // Nothing that is acted upon needs a surrogate: JIDs and ids are ASCII.
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string line_field(ByteView message, std::uint32_t number) {
  const auto text = bytes_field(message, number);
  return text ? display_line(as_text(*text), max_action_name_bytes) : std::string();
}

/// A user of this kind; what is none is left out.
std::optional<Jid> user_field(ByteView message, std::uint32_t number, std::string_view server) {
  const auto text = bytes_field(message, number);
  if (!text || text->size() > 128) return std::nullopt;
  const auto jid = Jid::parse(as_text(*text));
  if (!jid || jid->user.empty() || jid->server != server) return std::nullopt;
  return jid->user_jid();
}

void append_number(Bytes& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, std::uint64_t{number} << 3);
  append_varint(out, value);
}

Bytes value_of(std::int64_t timestamp_ms, std::uint32_t number, ByteView action) {
  Bytes value;
  append_number(value, 1, static_cast<std::uint64_t>(timestamp_ms));
  append_field(value, number, action);
  return value;
}

void append_text(Bytes& out, std::uint32_t number, std::string_view text) {
  if (!text.empty()) append_field(out, number, as_bytes(text));
}

AppStateMutation removal(std::string_view action, const Jid& who, std::int32_t version, std::int64_t timestamp_ms) {
  AppStateMutation mutation;
  mutation.operation = AppStateMutation::Operation::remove;
  mutation.index = index_of({action, who.to_string()});
  append_number(mutation.value, 1, static_cast<std::uint64_t>(timestamp_ms));
  mutation.version = version;
  return mutation;
}

}  // namespace

std::int64_t action_time(ByteView value) { return static_cast<std::int64_t>(varint_field(value, 1).value_or(0)); }

std::vector<std::string> index_parts(std::string_view index) { return IndexReader(index).parts(); }

std::string index_of(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    out += out.empty() ? "[\"" : ",\"";
    for (const char c : part) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out + "]";
}

std::optional<ContactAction> read_contact(ByteView value) {
  const auto action = merged_field(value, contact_field);
  if (!action) return std::nullopt;
  ContactAction contact;
  contact.full_name = line_field(*action, 1);
  contact.first_name = line_field(*action, 2);
  contact.lid = user_field(*action, 3, server::lid);
  contact.pn = user_field(*action, 5, server::user);
  contact.on_phone = varint_field(*action, 4).value_or(0) != 0;
  return contact;
}

std::optional<ContactAction> read_lid_contact(ByteView value) {
  const auto action = merged_field(value, lid_contact_field);
  if (!action) return std::nullopt;
  ContactAction contact;
  contact.full_name = line_field(*action, 1);
  contact.first_name = line_field(*action, 2);
  return contact;
}

std::optional<std::string> read_push_name(ByteView value) {
  const auto action = merged_field(value, push_name_field);
  std::string name = action ? line_field(*action, 1) : std::string();
  if (name.empty()) return std::nullopt;
  return name;
}

AppStateMutation save_contact(const Jid& who, const ContactAction& contact, std::int64_t timestamp_ms) {
  Bytes action;
  append_text(action, 1, contact.full_name);
  append_text(action, 2, contact.first_name);
  if (contact.lid) append_text(action, 3, contact.lid->to_string());
  if (contact.on_phone) append_number(action, 4, 1);
  if (contact.pn) append_text(action, 5, contact.pn->to_string());
  AppStateMutation mutation;
  mutation.index = index_of({contact_action, who.to_string()});
  mutation.value = value_of(timestamp_ms, contact_field, action);
  mutation.version = contact_version;
  return mutation;
}

AppStateMutation remove_contact(const Jid& who, std::int64_t timestamp_ms) {
  return removal(contact_action, who, contact_version, timestamp_ms);
}

AppStateMutation remove_lid_contact(const Jid& who, std::int64_t timestamp_ms) {
  return removal(lid_contact_action, who, lid_contact_version, timestamp_ms);
}

AppStateMutation set_push_name(std::string_view name, std::int64_t timestamp_ms) {
  Bytes action;
  append_text(action, 1, name);
  AppStateMutation mutation;
  mutation.index = index_of({push_name_action});
  mutation.value = value_of(timestamp_ms, push_name_field, action);
  mutation.version = push_name_version;
  return mutation;
}

}  // namespace wharf::protocol
