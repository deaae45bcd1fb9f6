// Handlers of status posts. They are sent, stored and shown as messages are, to an audience in the place of a chat.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/message_page.h"
#include "api/page_cursor.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "sessions/status_audiences.h"
#include "storage/member_receipts.h"
#include "storage/messages.h"
#include "storage/status_audiences.h"
#include "web/colour.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using protocol::Jid;
using protocol::MessageKind;
using sessions::SendMessage;

constexpr std::uint32_t usual_background = 0xFF1F7AEC, usual_text = 0xFFFFFFFF;

/// What is a field of another type must not vanish. True: it was answered.
bool refuses_misplaced(const CallPtr& call, std::string_view type) {
  constexpr std::array of_text = {"content", "backgroundColor", "textColor", "font"};
  constexpr std::array of_files = {"data", "url", "mediaMessageId", "filename", "caption"};
  const bool text = type == "text", captioned = type == "image" || type == "video";
  const auto refuse = [&](const char* field) {
    refuse_field(call, field, fmt::format("is not taken by a status post of type {}", type));
    return true;
  };
  for (const char* field : of_text)
    if (!text && call->body.if_contains(field)) return refuse(field);
  for (const char* field : of_files)
    if (text && call->body.if_contains(field)) return refuse(field);
  if (!captioned && says(call->body, "caption")) return refuse("caption");
  if (!text && call->files.size() > 1)
    return refuse_field(call, call->files[1].field, "a status post has one file"), true;
  if (text && !call->files.empty())
    return refuse_field(call, call->files.front().field, "a status post of type text has no file"), true;
  return false;
}

/// nullopt: answered.
std::optional<SendMessage> around_post(const ServicesPtr& services, const CallPtr& call,
                                       const sessions::SessionView& session) {
  SendMessage out;
  out.chat = protocol::status_jid();
  if (!call->body.if_contains("audience") || call->body.at("audience").is_null()) return out;
  out.audience = people_once(services, call, session, "audience",
                             "must be somebody else: the account has its own posts without being named");
  if (!out.audience) return std::nullopt;
  return out;
}

void post_text(const ServicesPtr& services, const CallPtr& call, SendMessage message) {
  const std::string_view text = text_of(call->body, "content");
  if (blank(text)) return refuse_field(call, "content", "is required of a text post, and must not be blank");
  const auto font = static_cast<std::uint32_t>(integer_of(call->body, "font").value_or(0));  // validated
  protocol::StatusText post;
  post.text = text;
  post.style = {web::argb_of(text_of(call->body, "textColor"), usual_text),
                web::argb_of(text_of(call->body, "backgroundColor"), usual_background), font};
  message.content = std::move(post);
  send_message(services, call, schemas::post_status, std::move(message));
}

MessageKind kind_named(std::string_view type) {
  if (type == "video") return MessageKind::video;
  if (type == "audio") return MessageKind::audio;
  return type == "voice" ? MessageKind::voice : MessageKind::image;
}

// --- showing

events::UnixMs now_of(const ServicesPtr& services) { return services->ports.scheduler.unix_ms(); }

/// As the sandbox sets them.
std::string_view setting_name(storage::StatusSetting setting) {
  switch (setting) {
    case storage::StatusSetting::contacts: return "contacts";
    case storage::StatusSetting::denylist: return "except";
    case storage::StatusSetting::allowlist: break;
  }
  return "only";
}

void write_audience(JsonWriter& out, const storage::StatusAudienceRow& audience) {
  out.key("audience").begin_object().text("setting", setting_name(audience.setting));
  out.boolean("settled", audience.settled);
  out.number("size", static_cast<std::int64_t>(audience.users.size())).end_object();
}

void write_post(JsonWriter& out, People& people, storage::Database& db, const storage::MessageRow& row,
                std::string_view session, Dialect dialect) {
  const events::PersonIds no_person;  // it is of no chat with somebody
  const auto mentioned = people.mentioned(row);
  begin_message(out, {row, no_person, people.of(row.author), row.created_at, nullptr, mentioned}, session, dialect);
  out.text("shownUntil", iso_seconds(row.timestamp + sessions::status_lifetime_ms));
  if (row.from_me) {
    const auto reach = storage::find_reach(db, row.row);
    out.number("viewers", reach ? reach->read : 0);
    if (const auto audience = storage::find_status_audience(db, row.session, row.id)) write_audience(out, *audience);
  } else {
    out.boolean("viewed", row.ack >= storage::AckLevel::read);
  }
  out.end_object();
}

Failure no_such_post(const std::string& id) {
  return Failure(ErrorCode::message_not_found, fmt::format("no status post with ID '{}' is stored", id),
                 {{"messageId", "must be that of a stored status post"}});
}

/// The id of the path; nullopt: answered.
std::optional<std::string> post_of_path(const CallPtr& call) {
  const std::string& given = call->param("messageId");
  auto id = parse_message_id(given);
  const auto chat = chat_of_message_id(given);
  if (id && (!chat || chat->is_status())) return id;
  refuse_field(call, "messageId", "must be the id of a status post: true_status@broadcast_<id> or the bare id");
  return std::nullopt;
}

/// The post that the path names, read on a worker. Answers 404 when there is none.
template <class Render>
void with_post(const ServicesPtr& services, const CallPtr& call, Render render) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto id = post_of_path(call);
  if (!id) return;
  const auto side = side_of_message_id(call->param("messageId"));
  read_on_worker(
      services, call,
      [session = view->id, name = view->name, id = *id, side, dialect = call->dialect, render](storage::Database& db) {
        const auto row = storage::find_message(db, session, protocol::status_jid(), id, side);
        if (!row || !row->target_id.empty()) return render_failure(no_such_post(id), dialect);
        return render(db, *row, name, dialect);
      });
}

}  // namespace

void post_status(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const std::string type(text_of(call->body, "type"));
  if (refuses_misplaced(call, type)) return;
  auto message = around_post(services, call, *view);
  if (!message) return;
  if (type == "text") return post_text(services, call, std::move(*message));
  send_files(services, call, schemas::post_status, kind_named(type), std::move(*message));
}

void list_status_posts(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  std::optional<MessagePlace> place;
  if (const auto cursor = call->query.text("cursor"); !cursor.empty()) {
    place = parse_message_cursor(cursor);
    if (!place) return call->failure(bad_cursor());
  }
  const events::UnixMs now = now_of(services);
  const events::UnixMs since = call->query.boolean("all") ? 0 : now - sessions::status_lifetime_ms;
  read_on_worker(
      services, call,
      [=, session = view->id, name = view->name, limit = page_limit(call),
       dialect = call->dialect](storage::Database& db) {
        const storage::MessagePage page = storage::page_messages(db, session, protocol::status_jid(), limit,
                                                                 place ? std::optional(place->row) : std::nullopt,
                                                                 storage::Listed::all, place ? place->at : 0);
        People people(db, session, now);
        JsonWriter out(page.messages.size() * 400 + 16);
        out.begin_array();
        bool over = false;  // those that follow are older still
        for (const storage::MessageRow& row : page.messages) {
          over = row.timestamp < since;
          if (over) break;
          write_post(out, people, db, row, name, dialect);
        }
        out.end_array();
        const bool more = page.next && !over;
        return render_success(
            out.view(),
            Beside{200, {}, more ? cursor_json(message_cursor({*page.next, page.messages.back().timestamp})) : "null"});
      });
}

void get_status_post(const ServicesPtr& services, const CallPtr& call) {
  with_post(services, call,
            [now = now_of(services)](storage::Database& db, const storage::MessageRow& row, const std::string& name,
                                     Dialect dialect) {
              People people(db, row.session, now);
              JsonWriter out(512);
              write_post(out, people, db, row, name, dialect);
              return render_success(out.view(), Beside());
            });
}

void list_status_viewers(const ServicesPtr& services, const CallPtr& call) {
  with_post(services, call,
            [now = now_of(services)](storage::Database& db, const storage::MessageRow& row, const std::string&,
                                     Dialect dialect) {
              if (!row.from_me)
                return render_failure(
                    Failure(ErrorCode::validation, "messageId: it is not a status post of this account",
                            {{"messageId", "must be that of an own status post"}}),
                    dialect);
              constexpr std::size_t most = 2 * sessions::StatusAudiences::most;
              auto receipts = storage::member_receipts(db, row.row, most);
              const auto seen_at = [](const storage::MemberReceipt& receipt) {
                return receipt.read_at != 0 ? receipt.read_at : receipt.played_at;
              };
              std::erase_if(receipts, [&](const storage::MemberReceipt& receipt) { return seen_at(receipt) == 0; });
              std::stable_sort(receipts.begin(), receipts.end(),
                               [&](const auto& a, const auto& b) { return seen_at(a) < seen_at(b); });
              People people(db, row.session, now);
              JsonWriter out(receipts.size() * 96 + 16);
              out.begin_array();
              for (const storage::MemberReceipt& receipt : receipts) {
                const PersonText person = person_text(receipt.user, people.of(receipt.user));
                const events::UnixMs at = seen_at(receipt);
                out.begin_object().text("id", id_text(person, dialect)).text_if("lid", person.lid);
                out.number("viewedAt", in_units(at, dialect)).end_object();
              }
              out.end_array();
              return render_success(out.view(), Beside());
            });
}

void delete_status_post(const ServicesPtr& services, const CallPtr& call) {
  const auto id = post_of_path(call);
  if (!id) return;
  SendMessage message;
  message.chat = protocol::status_jid();
  message.content = sessions::RevokeSent{*id};
  send_message(services, call, schemas::revoke, std::move(message));
}

void view_status_post(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const auto id = post_of_path(call);
  if (!id) return;
  ask(services, call, sessions::ViewStatus{*id}, [call, id = *id](const sessions::Outcome<>& viewed) {
    if (viewed) return call->send(net::HttpResponse(204, {}, {}));
    const sessions::Refusal& why = viewed.error();
    if (why.subject != sessions::Subject::message) return call->failure(failure_of(call, why));
    if (why.code == protocol::Errc::not_found) return call->failure(no_such_post(id));
    call->failure(Failure(ErrorCode::validation, "messageId: " + why.detail, {{"messageId", why.detail}}));
  });
}

}  // namespace wharf::api
