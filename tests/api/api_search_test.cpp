// The search of messages over the API's sockets.
#include "api/schemas.h"
#include "storage/changes.h"
#include "storage/messages.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using test::Answer;
using test::check_documented;
using test::Daemon;
namespace json = boost::json;

TEST_CASE("messages are searched in a session and in a chat") {
  Daemon d;
  d.create("a");
  d.create("b");
  const auto put = [&](const char* session, const char* id, const protocol::Jid& chat, bool from_me, const char* kind,
                       const char* body, storage::UnixMs at) {
    storage::MessageRow row;
    row.session = d.id_of(session);
    row.chat = row.author = chat;
    row.id = id;
    row.from_me = from_me;
    row.kind = kind;
    row.body = body;
    row.timestamp = row.created_at = at;
    storage::Changes changes;
    changes.add(storage::InsertMessage{std::move(row), !from_me, std::nullopt});
    d.commit(std::move(changes));
  };
  const protocol::Jid john("1234567890", "s.whatsapp.net"), kim("1999999", "s.whatsapp.net");
  constexpr storage::UnixMs day = 1'764'374'400'000;  // 2025-11-29
  put("a", "INVOICE1", john, false, "text", "The invoice for März", day);
  put("a", "INVOICE2", kim, true, "text", "invoice sent", day + 60'000);
  put("a", "INVOICE3", john, false, "voice", "invoice", day + 120'000);
  put("a", "OTHER", john, false, "text", "hello", day + 180'000);
  put("b", "INVOICE4", john, false, "text", "invoice", day);
  const std::string all = "/api/v1/sessions/a/messages", chat = "/api/v1/sessions/a/chats/1234567890@c.us/messages";
  const auto ids = [&](const std::string& path, test::Headers headers = {}) {
    const Answer answer = d.ask("GET", path, {}, std::move(headers));
    INFO(path << " " << answer.body);
    REQUIRE(answer.status == 200);
    const json::object page = answer.json();
    CHECK(page.at("complete") == true);
    std::string out;
    for (const json::value& message : page.at("data").as_array()) {
      check_documented(message, schemas::message);
      const std::string_view id = message.at("id").as_string();
      out.append(out.empty() ? "" : " ").append(id.substr(id.rfind('_') + 1));
    }
    return out;
  };
  const std::vector<std::pair<std::string, std::string>> gateway = {{"Accept", "application/json; profile=gateway"}};
  CHECK(ids(all + "?q=invoice") == "INVOICE3 INVOICE2 INVOICE1");
  CHECK(ids(all + "?q=invoice", gateway) == "INVOICE3 INVOICE2 INVOICE1");
  CHECK(ids(all + "?q=INV%20marz") == "");
  CHECK(ids(all + "?q=marz%20inv") == "INVOICE1");
  CHECK(ids(all + "?q=%22invoice%20for%22") == "INVOICE1");
  CHECK(ids(chat + "?q=invoice") == "INVOICE3 INVOICE1");
  CHECK(ids(chat + "?q=invoice&before=INVOICE3") == "INVOICE1");
  for (const char* narrow :
       {"chatId=1234567890", "chat=1234567890@s.whatsapp.net", "from=%2B1%20234567890", "fromMe=false"})
    CHECK(ids(all + "?q=invoice&" + narrow) == "INVOICE3 INVOICE1");
  CHECK(ids(all + "?q=invoice&from=me") == "INVOICE2");
  CHECK(ids(all + "?q=invoice&from=me&fromMe=false") == "");
  CHECK(ids(all + "?q=invoice&type=ptt") == "INVOICE3");
  CHECK(ids(all + "?q=invoice&type=voice,image") == "INVOICE3");
  CHECK(ids(all + "?q=invoice&hasMedia=false") == "INVOICE2 INVOICE1");
  CHECK(ids(all + "?q=invoice&hasMedia=true&type=chat") == "");
  CHECK(ids(all + "?q=invoice&since=1764374460") == "INVOICE3 INVOICE2");
  CHECK(ids(all + "?q=invoice&until=1764374460000", gateway) == "INVOICE1");
  CHECK(ids(all + "?q=invoice&since=2025-11-29&until=2025-11-29T00:02:00Z") == "INVOICE2 INVOICE1");

  json::object page = d.ask("GET", all + "?q=invoice&limit=2").json();
  CHECK(page.at("data").as_array().size() == 2);
  page = d.ask("GET", all + "?q=invoice&limit=2&cursor=" + std::string(page.at("nextCursor").as_string())).json();
  CHECK(page.at("data").as_array().size() == 1);
  CHECK(page.at("nextCursor").is_null());
  CHECK(!d.ask("GET", chat).json().contains("complete"));  // a list is none

  for (const auto& [path, field] :
       std::vector<std::pair<std::string, const char*>>{{all, "q"},
                                                        {all + "?q=", "q"},
                                                        {all + "?q=%20!", "q"},
                                                        {all + "?q=" + std::string(513, 'a'), "q"},
                                                        {chat + "?type=image", "q"},
                                                        {chat + "?q=*", "q"},
                                                        {all + "?q=x&type=nonsense", "type"},
                                                        {all + "?q=x&type=", "type"},
                                                        {all + "?q=x&from=nobody", "from"},
                                                        {all + "?q=x&from=7@g.us", "from"},
                                                        {all + "?q=x&from=7@newsletter", "from"},
                                                        {all + "?q=x&fromMe=maybe", "fromMe"},
                                                        {all + "?q=x&hasMedia=2", "hasMedia"},
                                                        {all + "?q=x&since=yesterday", "since"},
                                                        {all + "?q=x&until=2025-13-01", "until"},
                                                        {all + "?q=x&until=-1", "until"},
                                                        {all + "?q=x&chatId=1234567890&chat=1234567890", "chat"},
                                                        {all + "?q=x&chatId=bad", "chatId"},
                                                        {all + "?q=x&cursor=m5", "cursor"},
                                                        {all + "?q=x&cursor=s05", "cursor"}}) {
    INFO(path);
    const Answer answer = d.ask("GET", path);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(field));
  }
  std::string many;
  for (int i = 0; i < 40; ++i) many += "w%20";
  CHECK(d.ask("GET", all + "?q=" + many).json().at("error").at("details").as_object().contains("q"));
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats/555555555/messages?q=x").code() == "CHAT_NOT_FOUND");
  CHECK(d.ask("GET", chat + "?q=x&before=NOSUCH").code() == "MESSAGE_NOT_FOUND");
  CHECK(d.ask("GET", "/api/v1/sessions/none/messages?q=x").code() == "SESSION_NOT_FOUND");
}
