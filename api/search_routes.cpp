// The search in messages: of a session, and of one chat, where it is the list of its messages with `q`.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/message_page.h"
#include "api/page_cursor.h"
#include "api/sending.h"
#include "api/validation.h"
#include "storage/chats.h"
#include "storage/search.h"

namespace wharf::api {
namespace {

using protocol::Jid;
using Problems = std::vector<FieldProblem>;

constexpr std::array<std::string_view, 6> narrowing = {"from", "fromMe", "type", "hasMedia", "since", "until"};

constexpr char cursor_letter = 's';

/// What is asked, as far as it can be told without the rows.
struct Asked {
  storage::MessageSearch search;
  std::string words;
  std::optional<Jid> from;  // its other names are looked up on the worker
  std::string before;       // a message of the chat
  bool chat_must_exist = false;
};

void read_kinds(const web::Query& query, storage::MessageSearch& search, Problems& problems) {
  std::vector<std::string> kinds;
  if (query.has("type")) {
    for (std::string_view rest = query.text("type");;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const auto kind = shown_kind(rest.substr(0, comma));
      if (!kind) {
        problems.push_back(
            {"type", fmt::format("must be one or more, with commas, of: {}", fmt::join(shown_kinds(), ", "))});
        return;
      }
      kinds.emplace_back(*kind);
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
    search.kinds = kinds;
  }
  if (!query.has("hasMedia")) return;
  if (!search.kinds) search.kinds.emplace(shown_kinds().begin(), shown_kinds().end());
  std::erase_if(*search.kinds, [wanted = query.boolean("hasMedia")](const std::string& kind) {
    return is_media_kind(kind) != wanted;
  });
}

void read_from(const web::Query& query, const sessions::SessionView& view, Asked& asked, Problems& problems) {
  if (query.has("fromMe")) asked.search.from_me = query.boolean("fromMe");
  if (!query.has("from")) return;
  const std::string_view given = query.text("from");
  const auto person = given == "me" ? std::nullopt : parse_chat_id(given);
  if (given != "me" && (!person || !person->has_devices())) {
    problems.push_back({"from", "must be me, a phone number with country code, …@c.us, …@s.whatsapp.net or …@lid"});
    return;
  }
  const bool own = !person || *person == view.jid.user_jid() || *person == view.lid.user_jid();
  if (!own) asked.from = person;
  if (own && asked.search.from_me == false) asked.search.kinds.emplace();  // nothing is both
  if (own) asked.search.from_me = true;
}

void read_times(const CallPtr& call, storage::MessageSearch& search, Problems& problems) {
  for (const auto& [name, time] : {std::pair{"since", &search.since}, {"until", &search.until}}) {
    if (!call->query.has(name)) continue;
    *time = parse_time(call->query.text(name), call->dialect == Dialect::gateway ? 1 : 1'000);
    if (!*time)
      problems.push_back(
          {name, fmt::format("must be a unix time in {}, a date or a UTC time such as 2026-11-29T21:00:00Z",
                             call->dialect == Dialect::gateway ? "milliseconds" : "seconds")});
  }
}

/// The chat of the path, or of the query.
void read_chat(const ServicesPtr& services, const CallPtr& call, storage::SessionId session, Asked& asked,
               Problems& problems) {
  const std::string in_path = call->param("chatId");
  asked.chat_must_exist = !in_path.empty();
  if (in_path.empty() && call->query.has("chatId") && call->query.has("chat")) {
    problems.push_back({"chat", "must not stand beside chatId"});
    return;
  }
  const std::string_view name = call->query.has("chat") ? "chat" : "chatId";
  if (in_path.empty() && !call->query.has(name)) return;
  const std::string_view text = in_path.empty() ? call->query.text(name) : std::string_view(in_path);
  const auto parsed = parse_chat_id(text);
  if (parsed) asked.search.chat = services->ports.supervisor.canonical_chat(session, *parsed);
  else problems.push_back({std::string(name), chat_id_problem(text), &formats::chat_id, false});
}

Asked read_query(const ServicesPtr& services, const CallPtr& call, const sessions::SessionView& view,
                 Problems& problems) {
  Asked asked;
  asked.search.session = view.id;
  asked.words = call->query.text("q");
  if (!call->query.has("q")) problems.push_back({"q", "is required: the words to search for"});
  read_chat(services, call, view.id, asked, problems);
  read_kinds(call->query, asked.search, problems);
  read_from(call->query, view, asked, problems);
  read_times(call, asked.search, problems);
  asked.search.limit = page_limit(call);
  if (const auto cursor = call->query.text("cursor"); !cursor.empty()) {
    asked.search.before = parse_row_cursor(cursor_letter, cursor, 0);
    if (!asked.search.before) problems.push_back({"cursor", "must be the nextCursor of an earlier answer"});
  }
  if (const auto given = call->query.text("before"); asked.chat_must_exist && !given.empty())
    asked.before = *parse_message_id(given);
  return asked;
}

/// What only the rows can tell. The answer, when it is an error.
std::optional<Failure> complete(storage::Database& db, Asked& asked, const std::string& chat_as_given) {
  auto terms = storage::search_terms(db, asked.words);
  if (!terms && terms.error().code == protocol::Errc::storage) throw storage::ReadFailure(terms.error());
  if (!terms) return failure_of({FieldProblem{"q", terms.error().detail}});
  asked.search.terms = std::move(*terms);
  if (asked.from) {
    const sessions::PersonIds ids = person_ids(db, asked.search.session, *asked.from);
    asked.search.from = {*asked.from};
    for (const auto& name : {ids.pn, ids.lid})
      if (name && *name != *asked.from) asked.search.from.push_back(*name);
  }
  if (!asked.before.empty()) {
    const auto message = storage::find_message(db, asked.search.session, *asked.search.chat, asked.before);
    if (!message) return not_of_this_chat(asked.before);
    const std::int64_t position = storage::search_position(*message);
    asked.search.before = std::min(asked.search.before.value_or(position), position);
  }
  if (asked.chat_must_exist && !storage::find_chat(db, asked.search.session, *asked.search.chat))
    return chat_not_found(chat_as_given);
  return std::nullopt;
}

}  // namespace

bool searches(const web::Query& query) {
  return query.has("q") ||
         std::any_of(narrowing.begin(), narrowing.end(), [&](std::string_view name) { return query.has(name); });
}

void search_messages(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  Problems problems;
  if (call->query.has("starred")) problems.push_back({"starred", "must not stand beside q and what narrows a search"});
  Asked asked = read_query(services, call, *view, problems);
  if (!problems.empty()) return call->failure(failure_of(problems));
  if (!asked.before.empty() && !names_chat(services, call, call->query.text("before"), *asked.search.chat))
    return call->failure(not_of_this_chat(asked.before));
  read_on_worker(
      services, call,
      [asked = std::move(asked), &store = services->ports.store, name = view->name, given = call->param("chatId"),
       now = services->ports.scheduler.unix_ms(), dialect = call->dialect](storage::Database& db) mutable {
        if (const auto failure = complete(db, asked, given)) return render_failure(*failure, dialect);
        const storage::FoundMessages found = storage::search_messages(db, asked.search);
        if (found.unreadable_index) store.renew_search_index(*found.unreadable_index);
        People people(db, asked.search.session, now);
        JsonWriter out(found.messages.size() * 400 + 16);
        out.begin_array();
        for (const storage::MessageRow& row : found.messages) write_row(out, people, row, name, dialect);
        out.end_array();
        Beside beside;
        beside.next_cursor = found.next ? cursor_json(row_cursor(cursor_letter, *found.next)) : "null";
        beside.complete = found.complete;
        return render_success(out.view(), beside);
      });
}

}  // namespace wharf::api
