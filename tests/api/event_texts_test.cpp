// The memory of rendered events: what it saves, and that it is bounded.
#include "api/event_texts.h"

#include <catch2/catch.hpp>

#include "events/codec.h"
#include "events/event.h"

using namespace wharf;
using namespace wharf::api;

namespace {

storage::Event fresh(storage::EventId id, std::string body) {
  events::NewMessage told;
  told.message.chat = told.message.author = protocol::Jid("1", "lid");
  told.message.id = "3EB0AA";
  told.message.kind = "text";
  told.message.body = std::move(body);
  storage::Event event;
  static_cast<storage::NewEvent&>(event) = storage::NewEvent({1}, std::move(told), 5);
  event.id = id;
  event.session_name = "one";
  return event;
}

bool says(const std::shared_ptr<const RenderedEvent>& text, std::string_view body) {
  return text->json.find("\"body\":\"" + std::string(body) + "\"") != std::string::npos;
}

}  // namespace

TEST_CASE("a fresh event is rendered from its value: its bytes are not read") {
  QrImages images;
  EventTexts texts(images);
  storage::Event event = fresh(1, "hello");
  event.data = "not JSON";
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) CHECK(says(texts.text(event, dialect), "hello"));
}

TEST_CASE("an event of the log is decoded once for all its readers, in both dialects") {
  QrImages images;
  EventTexts texts(images);
  storage::Event event = fresh(1, "hello");
  event.value.reset();
  const auto first = texts.text(event, Dialect::openwa);
  CHECK(says(first, "hello"));
  event.data = "not JSON";  // whoever decoded it again would see this
  CHECK(texts.text(event, Dialect::openwa) == first);
  CHECK(says(texts.text(event, Dialect::gateway), "hello"));
}

TEST_CASE("the request that caused an event stands in its text and beside it, fresh and from the log") {
  QrImages images;
  for (const bool from_log : {false, true}) {
    EventTexts texts(images);
    events::Event told = events::Ready{protocol::Jid("1", "s.whatsapp.net"), {}, {}};
    told.request_id = "req-1";
    storage::Event event;
    static_cast<storage::NewEvent&>(event) = storage::NewEvent({1}, told, 5);
    event.id = 1;
    if (from_log) event.value.reset();
    for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
      CHECK(texts.text(event, dialect)->json.find(R"("requestId":"req-1")") != std::string::npos);
      CHECK(texts.remembered(1, dialect)->request_id == "req-1");
    }
    CHECK(texts.text(fresh(2, "hello"), Dialect::openwa)->json.find("requestId") == std::string::npos);
    CHECK(texts.remembered(2, Dialect::openwa)->request_id.empty());
  }
}

TEST_CASE("settings of a group have the names and values in events that the routes give them") {
  QrImages images;
  struct Row {
    const char *field, *text, *shown;
  };
  for (const Row& row : {
           Row{"subject", "News", R"("field":"name","value":"News")"},
           Row{"ephemeral_seconds", "", R"("field":"disappearing","value":86400)"},
           Row{"join_approval", "", R"("field":"joinApproval","value":true)"},
           Row{"member_add_mode", "all_member_add", R"("field":"memberAddMode","value":"all")"},
           Row{"member_link_mode", "admin_link", R"("field":"memberLinkMode","value":"admins")"},
           Row{"description", "admin_ is a word here", R"("field":"description","value":"admin_ is a word here")"},
       }) {
    INFO(row.field);
    EventTexts texts(images);
    events::GroupUpdated told;
    told.in.chat = protocol::Jid("120363000000000001", "g.us");
    told.field = row.field;
    told.text = row.text;
    if (told.field == "ephemeral_seconds") told.number = 86'400;
    if (told.field == "join_approval") told.on = true;
    storage::Event event;
    static_cast<storage::NewEvent&>(event) = storage::NewEvent({1}, std::move(told), 5);
    event.id = 1;
    event.session_name = "one";
    CHECK(texts.text(event, Dialect::openwa)->json.find(row.shown) != std::string::npos);
  }
}

TEST_CASE("an event that cannot be read is told as such in both dialects") {
  QrImages images;
  EventTexts texts(images);
  storage::Event event = fresh(1, "hello");
  event.value.reset();
  event.data = "{}";
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway})
    CHECK(texts.text(event, dialect)->json.find(R"("data":{"unreadable":true}})") != std::string::npos);
}

TEST_CASE("the memory holds the newest events, and always the one that was asked for last") {
  QrImages images;
  EventTexts texts(images, 4'000);
  for (storage::EventId id = 1; id <= 8; ++id) {
    CHECK(says(texts.text(fresh(id, std::string(900, 'x')), Dialect::openwa), std::string(900, 'x')));
    CHECK(texts.remembered(id, Dialect::openwa));
    CHECK_FALSE(texts.remembered(id, Dialect::gateway));
  }
  CHECK_FALSE(texts.remembered(1, Dialect::openwa));
  CHECK(texts.remembered(7, Dialect::openwa));
  CHECK(texts.text(fresh(9, std::string(9'000, 'x')), Dialect::openwa)->json.size() > 9'000);
  CHECK(texts.remembered(9, Dialect::openwa));
  CHECK_FALSE(texts.remembered(8, Dialect::openwa));
}
