#pragma once
// What lists of messages and chats have in common: the chat, places in it, and the people of a page. Pages and cursors
// of all lists: page_cursor.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/services.h"
#include "storage/chats.h"

namespace wharf::api {

/// The chat of the path parameter chatId; answers 400 and returns nullopt when it is none.
std::optional<protocol::Jid> chat_of(const ServicesPtr& services, const CallPtr& call, storage::SessionId session);
/// Of `before`.
Failure not_of_this_chat(const std::string& message_id);

/// The last message of a page, and when it was: it may be deleted before the next page is read.
struct MessagePlace {
  std::int64_t row = 0;
  events::UnixMs at = 0;
};
std::string message_cursor(const MessagePlace& place);
std::optional<MessagePlace> parse_message_cursor(std::string_view cursor);

/// Identities of the people of one page, each looked up once.
class People {
 public:
  People(storage::Database& db, storage::SessionId session, events::UnixMs now)
      : db_(db), session_(session), now_(now) {}
  const sessions::PersonIds& of(const protocol::Jid& user);
  /// What a chat is called now: a person as in the contacts (shown_name()), a channel as it calls itself; else what it
  /// was called when something came last, else the number.
  std::string name_of(const storage::ChatRow& chat);
  std::vector<sessions::PersonIds> mentioned(const events::Message& message);
  /// Who has pinned the message; nullptr when nobody has, or it is over.
  const sessions::PersonIds* pinned(const events::Message& message) {
    return message.pinned_until > now_ ? &of(message.pinned_by) : nullptr;
  }

 private:
  storage::Database& db_;
  storage::SessionId session_;
  events::UnixMs now_;
  std::map<protocol::Jid, sessions::PersonIds> known_;
};

void write_row(JsonWriter& out, People& people, const storage::MessageRow& row, std::string_view session,
               Dialect dialect);

/// The query of a list of messages asks for words, or narrows as only a search does (search_routes.cpp).
bool searches(const web::Query& query);

}  // namespace wharf::api
