#include "protocol/appstate/actions.h"

#include "protocol/messages/wire.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::uint32_t contact_field = 3, push_name_field = 7, lid_contact_field = 61;

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

std::optional<Jid> contact_of(const std::vector<std::string>& index) {
  if (index.size() < 2 || index[1].size() > 128) return std::nullopt;
  const bool by_lid = index[0] == lid_contact_action;
  if (!by_lid && index[0] != contact_action) return std::nullopt;
  const auto who = Jid::parse(index[1]);
  if (!who || who->user.empty() || !(who->is_lid() || (!by_lid && who->is_phone_number()))) return std::nullopt;
  return who->user_jid();
}

std::vector<std::string> contact_indexes(const std::optional<Jid>& pn, const std::optional<Jid>& lid) {
  std::vector<std::string> out;
  if (pn) out.push_back(index_of({contact_action, pn->to_string()}));
  if (lid) {
    out.push_back(index_of({contact_action, lid->to_string()}));
    out.push_back(index_of({lid_contact_action, lid->to_string()}));
  }
  return out;
}

std::string index_start(std::string_view action) {
  std::string start = index_of({action});
  start.back() = ',';  // in place of the bracket
  return start;
}

std::int64_t action_time(ByteView value) { return static_cast<std::int64_t>(varint_field(value, 1).value_or(0)); }

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
