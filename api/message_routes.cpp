// Handlers of messages and chats.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <span>
#include <utility>

#include "api/add_on_text.h"
#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/handlers.h"
#include "api/message_page.h"
#include "api/page_cursor.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "api/whole_list.h"
#include "storage/chat_list.h"
#include "storage/chats.h"
#include "storage/messages.h"

namespace wharf::api {
namespace {

using protocol::Jid;
using sessions::Outcome;

void write_chat(JsonWriter& out, People& people, const storage::ChatRow& chat, std::string_view session,
                Dialect dialect) {
  sessions::PersonIds ids = people.of(chat.chat);
  if (chat.alternate && chat.alternate->is_phone_number()) ids.pn = chat.alternate;
  if (chat.alternate && chat.alternate->is_lid()) ids.lid = chat.alternate;
  const PersonText person = person_text(chat.chat, ids);
  out.begin_object().text("id", id_text(person, dialect)).text_if("lid", person.lid);
  out.text("name", people.name_of(chat)).boolean("isGroup", chat.chat.is_group());
  out.number("unreadCount", chat.unread).number("timestamp", in_units(chat.last_at, dialect));
  if (chat.expires_after_s != 0) out.number("expiresAfter", chat.expires_after_s);
  if (chat.last_message) write_row(out.key("lastMessage"), people, *chat.last_message, session, dialect);
  out.end_object();
}

}  // namespace

namespace {

events::UnixMs now_of(const ServicesPtr& services) { return services->ports.scheduler.unix_ms(); }

/// The message that the path names, read on a worker: `render` gets its row. Answers 404 when there is none.
template <class Render>
void with_message(const ServicesPtr& services, const CallPtr& call, Render render) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto named = message_of_path(services, call);
  if (!named) return;
  read_on_worker(
      services, call,
      [session = view->id, name = view->name, named = *named, dialect = call->dialect, render](storage::Database& db) {
        const auto row = find_named(db, session, named);
        if (!row)
          return render_failure(
              Failure(ErrorCode::message_not_found, fmt::format("no message with ID '{}' is stored", named.id),
                      {{"messageId", "must be that of a stored message"}}),
              dialect);
        return render(db, *row, name, dialect);
      });
}

std::vector<storage::MessageRow> add_ons_of(storage::Database& db, const storage::MessageRow& row) {
  return storage::add_ons(db, row.session, row.chat, row.id, row.from_me, storage::most_add_ons);
}

}  // namespace

void get_message(const ServicesPtr& services, const CallPtr& call) {
  with_message(services, call,
               [now = now_of(services)](storage::Database& db, const storage::MessageRow& row, const std::string& name,
                                        Dialect dialect) {
                 People people(db, row.session, now);
                 const auto said = add_ons_of(db, row);
                 const auto ids = [&people](const Jid& user) { return people.of(user); };
                 JsonWriter out(512);
                 constexpr std::size_t most_members = 1'024;
                 const auto reach = row.from_me ? storage::find_reach(db, row.row) : std::nullopt;
                 std::optional<InGroup> in_group;
                 if (reach) in_group = {*reach, storage::member_receipts(db, row.row, most_members)};
                 write_message_with_add_ons(out, row, said, in_group, ids, name, dialect,
                                            people.pinned(row) != nullptr);
                 return render_success(out.view(), Beside());
               });
}

void get_poll(const ServicesPtr& services, const CallPtr& call) {
  with_message(services, call,
               [now = now_of(services)](storage::Database& db, const storage::MessageRow& row, const std::string&,
                                        Dialect dialect) {
                 if (row.kind != "poll")
                   return render_failure(
                       Failure(ErrorCode::validation, "the message is no poll, or was deleted for everyone",
                               {{"messageId", "must be that of a poll"}}),
                       dialect);
                 People people(db, row.session, now);
                 const auto ids = [&people](const Jid& user) { return people.of(user); };
                 JsonWriter out(512);
                 write_poll_results(out, row, add_ons_of(db, row), ids, dialect);
                 return render_success(out.view(), Beside());
               });
}

namespace {

/// The chats as they stood at the start.
class EveryChat final : public WholeList {
 public:
  EveryChat(storage::SessionId session, std::string name, Dialect dialect, events::UnixMs now)
      : session_(session), name_(std::move(name)), dialect_(dialect), now_(now) {}

  net::HttpResponse begin(storage::Database& db) {
    auto chats = storage::list_chats(db, session_);
    if (!chats)
      return render_failure(
          Failure(ErrorCode::validation, fmt::format("this session has more than {} chats: read them in pages, with"
                                                     " limit and then cursor",
                                                     storage::most_listed_chats)),
          dialect_);
    chats_ = std::move(*chats);
    return net::HttpResponse(200, "application/json", R"({"success":true,"data":[)" + slice(db));
  }
  bool over() const override { return at_ == chats_.size(); }
  std::string slice(storage::Database& db) override {
    constexpr std::size_t chats_in_slice = 100;
    const auto some = std::span(chats_).subspan(at_, std::min(chats_in_slice, chats_.size() - at_));
    at_ += some.size();
    People people(db, session_, now_);
    std::string out;
    for (const storage::ChatRow& chat : storage::read_chats(db, session_, some)) {
      JsonWriter one(400);
      write_chat(one, people, chat, name_, dialect_);
      if (std::exchange(any_, true)) out.push_back(',');
      out += one.view();
    }
    return over() ? out + R"(],"nextCursor":null})" : out;
  }

 private:
  storage::SessionId session_;
  std::string name_;
  Dialect dialect_;
  events::UnixMs now_;
  std::vector<std::int64_t> chats_;
  std::size_t at_ = 0;
  bool any_ = false;
};

void list_all_chats(const ServicesPtr& services, const CallPtr& call, const sessions::SessionView& view) {
  const auto list = std::make_shared<EveryChat>(view.id, view.name, call->dialect, now_of(services));
  read_on_worker(services, call, [services, list, request_id = call->request_id](storage::Database& db) {
    net::HttpResponse response = list->begin(db);
    if (!list->over()) response.more = rest_of(services, list, request_id);
    return response;
  });
}

}  // namespace

void list_chats(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  if (call->query.integer("limit", 0) == 0 && call->query.text("cursor").empty())
    return list_all_chats(services, call, *view);
  std::optional<std::string> cursor;
  if (const auto given = call->query.text("cursor"); !given.empty()) cursor = given;
  if (cursor && !storage::valid_chat_cursor(*cursor)) return call->failure(bad_cursor());
  read_on_worker(services, call,
                 [session = view->id, name = view->name, limit = page_limit(call), cursor, dialect = call->dialect,
                  now = now_of(services)](storage::Database& db) {
                   const storage::ChatPage page = storage::page_chats(db, session, limit, cursor);
                   People people(db, session, now);
                   JsonWriter out(page.chats.size() * 400 + 16);
                   out.begin_array();
                   for (const storage::ChatRow& chat : page.chats) write_chat(out, people, chat, name, dialect);
                   out.end_array();
                   return render_success(out.view(), Beside{200, {}, page.next ? cursor_json(*page.next) : "null"});
                 });
}

void list_messages(const ServicesPtr& services, const CallPtr& call) {
  if (searches(call->query)) return search_messages(services, call);
  const auto view = session_of(services, call);
  if (!view) return;
  const auto chat = chat_of(services, call, view->id);
  if (!chat) return;
  std::optional<MessagePlace> place;
  if (const auto cursor = call->query.text("cursor"); !cursor.empty()) {
    place = parse_message_cursor(cursor);
    if (!place) return call->failure(bad_cursor());
  }
  std::string before;
  if (const auto given = call->query.text("before"); !given.empty()) {
    before = *parse_message_id(given);
    if (!names_chat(services, call, given, *chat)) return call->failure(not_of_this_chat(before));
  }

  read_on_worker(
      services, call,
      [=, session = view->id, name = view->name, chat = *chat, given = call->param("chatId"), limit = page_limit(call),
       dialect = call->dialect, now = now_of(services),
       listed =
           call->query.boolean("starred") ? storage::Listed::starred : storage::Listed::all](storage::Database& db) {
        auto from = place ? std::optional(place->row) : std::nullopt;
        if (!before.empty()) {
          const auto message = storage::find_message(db, session, chat, before);
          if (!message) return render_failure(not_of_this_chat(before), dialect);
          from = from ? std::min(*from, message->row) : message->row;
        }
        if (!storage::find_chat(db, session, chat)) return render_failure(chat_not_found(given), dialect);
        const storage::MessagePage page =
            storage::page_messages(db, session, chat, limit, from, listed, place ? place->at : 0);
        People people(db, session, now);
        JsonWriter out(page.messages.size() * 400 + 16);
        out.begin_array();
        for (const storage::MessageRow& row : page.messages) write_row(out, people, row, name, dialect);
        out.end_array();
        return render_success(
            out.view(),
            Beside{200,
                   {},
                   page.next ? cursor_json(message_cursor({*page.next, page.messages.back().timestamp})) : "null"});
      });
}

void remove_chat(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto chat = chat_of(services, call, view->id);
  if (!chat) return;
  ask(services, call, sessions::RemoveChat{*chat}, [call](const Outcome<>& removed) {
    if (!removed) return call->failure(failure_of(call, removed.error()));
    call->send(net::HttpResponse(204, {}, {}));
  });
}

void mark_chat_read(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto chat = chat_of(services, call, view->id);
  if (!chat) return;
  ask(services, call, sessions::MarkRead{*chat}, [call](const Outcome<>& marked) {
    if (!marked) return call->failure(failure_of(call, marked.error()));
    call->success({}, Beside{200, "Chat marked as read", {}});
  });
}

}  // namespace wharf::api
