#include "api/message_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/chat_id.h"
#include "api/contact_json.h"
#include "api/dialect.h"
#include "api/sending.h"
#include "api/validation.h"
#include "protocol/channels/metadata.h"
#include "protocol/mex/json.h"
#include "sessions/directory.h"
#include "storage/channels.h"
#include "storage/contacts.h"

namespace wharf::api {

std::optional<protocol::Jid> chat_of(const ServicesPtr& services, const CallPtr& call, storage::SessionId session) {
  const auto parsed = parse_chat_id(call->param("chatId"));
  if (parsed) return services->ports.supervisor.canonical_chat(session, *parsed);
  refuse_id(call, "chatId", chat_id_problem(call->param("chatId")));
  return std::nullopt;
}

Failure not_of_this_chat(const std::string& message_id) {
  return Failure(ErrorCode::message_not_found,
                 fmt::format("no message with ID '{}' is stored in this chat", message_id),
                 {{"before", "must be a message of this chat"}});
}

std::string message_cursor(const MessagePlace& place) { return fmt::format("m{}.{}", place.row, place.at); }

std::optional<MessagePlace> parse_message_cursor(std::string_view cursor) {
  MessagePlace place;
  const char* last = cursor.data() + cursor.size();
  if (!cursor.starts_with('m')) return std::nullopt;
  const auto row = std::from_chars(cursor.data() + 1, last, place.row);
  if (row.ec != std::errc() || place.row <= 0 || row.ptr == last || *row.ptr != '.') return std::nullopt;
  const auto at = std::from_chars(row.ptr + 1, last, place.at);
  if (at.ec != std::errc() || message_cursor(place) != cursor) return std::nullopt;
  return place;
}

const sessions::PersonIds& People::of(const protocol::Jid& user) {
  const auto [at, added] = known_.try_emplace(user);
  if (added) at->second = person_ids(db_, session_, user);
  return at->second;
}

std::string People::name_of(const storage::ChatRow& chat) {
  std::string name;
  if (chat.chat.is_channel()) {
    const auto row = storage::find_channel(db_, session_, chat.chat);
    const auto json = protocol::parse_json(protocol::as_bytes(row ? row->metadata : ""), protocol::mex_limits);
    if (const auto metadata = json ? protocol::read_channel_metadata(*json) : std::nullopt) name = metadata->name;
  } else if (chat.chat.has_devices()) {
    if (const auto row = storage::find_contact(db_, session_, chat.chat)) name = shown_name(*row);
  }
  if (!name.empty()) return name;
  if (!chat.name.empty()) return chat.name;
  const sessions::PersonIds& ids = of(chat.chat);
  if (ids.pn) return ids.pn->user;
  return chat.alternate && chat.alternate->is_phone_number() ? chat.alternate->user : chat.chat.user;
}

std::vector<sessions::PersonIds> People::mentioned(const events::Message& message) {
  std::vector<sessions::PersonIds> out;
  const std::size_t most = std::min(message.mentions.size(), sessions::Directory::max_mentions);
  out.reserve(most);
  for (std::size_t i = 0; i < most; ++i) out.push_back(of(message.mentions[i].user_jid()));
  return out;
}

void write_row(JsonWriter& out, People& people, const storage::MessageRow& row, std::string_view session,
               Dialect dialect) {
  const auto mentioned = people.mentioned(row);
  write_message(out, {row, people.of(row.chat), people.of(row.author), row.created_at, people.pinned(row), mentioned},
                session, dialect);
}

}  // namespace wharf::api
