#include "sandbox/control_api.h"

#include "protocol/pairing/qr.h"
#include "tests/sandbox/control_world.h"

namespace wharf::sandbox::test {

TEST_CASE("the network's addresses are told") {
  Api api;
  const json::value network = api.data("GET", "/sandbox/v1/network");
  REQUIRE(network == json::parse(R"({"webSocketUrl":"ws://a","secureWebSocketUrl":"wss://b","noiseRootPublicKey":"00ff",
                                     "mediaUrl":"https://c","caCertificate":"PEM"})"));
}

TEST_CASE("phones are created, listed and shown") {
  Api api;
  const json::value anna = api.data("POST", "/sandbox/v1/phones", R"({"phone":"+1 555-000-0001","name":"Anna"})", 201);
  REQUIRE(anna.at("phone") == "15550000001");
  REQUIRE(anna.at("jid") == "15550000001@s.whatsapp.net");
  REQUIRE(anna.at("lid").as_string().ends_with("@lid"));
  REQUIRE(anna.at("name") == "Anna");
  REQUIRE(api.error(api.call("POST", "/sandbox/v1/phones", R"({"phone":"1-555-000-0001"})"), 409).at("code") ==
          "CONFLICT");
  REQUIRE(api.data("GET", "/sandbox/v1/phones").as_array().size() == 1);
  const json::value shown = api.data("GET", "/sandbox/v1/phones/%2B15550000001");
  REQUIRE(shown.at("on").as_bool());
  REQUIRE_FALSE(shown.at("codePending").as_bool());
  REQUIRE(shown.at("companions").as_array().empty());
  REQUIRE(api.error(api.call("GET", "/sandbox/v1/phones/15550009999"), 404).at("code") == "NOT_FOUND");
}

TEST_CASE("messages are sent, paged and read through the API") {
  Api api;
  api.two_phones();
  const std::string first(
      api.data("POST", "/sandbox/v1/phones/15550000001/messages", R"({"to":"15550000002","text":"one"})", 202)
          .at("id")
          .as_string());
  api.data("POST", "/sandbox/v1/phones/15550000002/messages",
           R"({"to":"+1 555 000 0001","text":"two","quoted":")" + first + R"(","mentions":["15550000001"]})", 202);
  api.data("POST", "/sandbox/v1/phones/15550000001/messages", R"({"to":"15550000002","text":"three"})", 202);

  const json::array all = api.data("GET", "/sandbox/v1/phones/15550000001/messages").as_array();
  REQUIRE(all.size() == 3);
  REQUIRE(all[0].at("text") == "one");
  REQUIRE(all[0].at("status") == "delivered");
  REQUIRE(all[0].at("quoted").is_null());
  REQUIRE(all[1].at("quoted").as_string() == first);
  REQUIRE(all[1].at("mentions") == json::array{"15550000001"});
  REQUIRE(all[1].at("fromMe") == false);

  const std::string list = "/sandbox/v1/phones/15550000001/messages";
  REQUIRE(api.data("GET", list + "?limit=1").as_array()[0].at("text") == "three");
  REQUIRE(api.data("GET", list + "?after=" + first + "&limit=1").as_array()[0].at("text") == "two");
  REQUIRE(api.data("GET", list + "?chat=15550000002@s.whatsapp.net").as_array().size() == 3);
  REQUIRE(api.data("GET", list + "?chat=15550000003").as_array().empty());
  api.error(api.call("GET", list + "?limit=0"), 400);
  api.error(api.call("GET", list + "?limit=ten"), 400);
  api.error(api.call("GET", list + "?chat=anna"), 400);
  api.error(api.call("GET", list + "?after=unknown"), 404);

  REQUIRE(api.data("POST", "/sandbox/v1/phones/15550000002/read", R"({"chat":"15550000001"})").at("read") == 2);
  REQUIRE(api.data("GET", list).as_array()[0].at("status") == "read");
  api.error(api.call("POST", "/sandbox/v1/phones/15550000002/read", R"({"chat":"15550000001","id":"nope"})"), 404);
}

TEST_CASE("a QR is scanned by a named phone, or by a new one") {
  Api api;
  api.two_phones();
  Client client(api);
  client.open_pairing();
  const auto body = [&] { return json::serialize(json::object{{"qr", client.qr()}}); };
  SECTION("by a named phone") {
    const json::value linked = api.data("POST", "/sandbox/v1/phones/15550000001/scan", body());
    REQUIRE(linked.at("device") == "15550000001:1@s.whatsapp.net");
    client.log_in();
    api.settle();
    const json::value shown = api.data("GET", "/sandbox/v1/phones/15550000001");
    REQUIRE(shown.at("companions").as_array().size() == 1);
    REQUIRE(shown.at("companions").as_array()[0].at("online").as_bool());
    REQUIRE(api.data("POST", "/sandbox/v1/kick", R"({"phone":"15550000001","device":1,"how":"515"})")
                .at("wasOnline")
                .as_bool());
    REQUIRE(client.closed);
    REQUIRE(api.data("POST", "/sandbox/v1/devices/15550000001/1/drain-prekeys").at("preKeys") == 0);
    api.error(api.call("POST", "/sandbox/v1/phones/15550000001/unlink", R"({"device":2})"), 404);
    api.error(api.call("POST", "/sandbox/v1/phones/15550000001/unlink", R"({"device":"some"})"), 400);
    REQUIRE(api.data("POST", "/sandbox/v1/phones/15550000001/unlink", R"({"device":"all"})").at("unlinked") ==
            json::array{1});
  }
  SECTION("by a fresh account") {
    const auto response = api.call("POST", "/sandbox/v1/scan-qr", client.qr() + "\n", "text/plain");
    REQUIRE(response.status == 200);
    const std::string phone(json::parse(response.body).at("data").at("phone").as_string());
    REQUIRE(api.phones.find(phone) != nullptr);
    REQUIRE(api.phones.all().size() == 3);
  }
  SECTION("by the number in the query") {
    const auto response = api.call("POST", "/sandbox/v1/scan-qr?phone=15550000002", client.qr(), "");
    REQUIRE(json::parse(response.body).at("data").at("device") == "15550000002:1@s.whatsapp.net");
  }
  SECTION("refused by the companion") {
    api.network.faults().bad_hmac = true;
    REQUIRE(api.error(api.call("POST", "/sandbox/v1/phones/15550000001/scan", body()), 422).at("code") == "REFUSED");
  }
  SECTION("expired") {
    api.network.drop_pairing(client.pairing);
    REQUIRE(api.error(api.call("POST", "/sandbox/v1/phones/15550000001/scan", body()), 410).at("code") == "EXPIRED");
    REQUIRE(api.error(api.call("POST", "/sandbox/v1/scan-qr", client.qr(), "text/plain"), 410).at("code") == "EXPIRED");
    REQUIRE(api.phones.all().size() == 2);  // none was made for it
  }
  SECTION("not a QR text") {
    const json::object error =
        api.error(api.call("POST", "/sandbox/v1/phones/15550000001/scan", R"({"qr":"hello"})"), 400);
    REQUIRE(error.at("details").as_object().contains("qr"));
    api.error(api.call("POST", "/sandbox/v1/scan-qr", "hello", "text/plain"), 400);
    api.error(api.call("POST", "/sandbox/v1/scan-qr", "{}", "application/json"), 415);
  }
}

TEST_CASE("a scan answers when the pairing ended, not before") {
  Api api;
  api.two_phones();
  struct Silent final : DevicePort {
    std::vector<std::string> refs;
    void deliver(const Node& stanza) override {
      if (auto offered = protocol::pair_device_refs(stanza); !offered.empty()) refs = offered;
    }
    void disconnect() override {}
  } silent;
  Client client(api);
  protocol::ParsedClientPayload registration;
  registration.registration = protocol::ParsedClientPayload::Registration();
  auto& keys = registration.registration->keys;
  keys = {client.keys.identity.registration_id, client.keys.identity.identity.pub, client.keys.signed_pre_key.id,
          client.keys.signed_pre_key.pair.pub, client.keys.signed_pre_key.signature};
  api.network.open_pairing(client.keys.noise.pub, registration, silent);
  client.refs = silent.refs;
  const auto waiting =
      api.start("POST", "/sandbox/v1/phones/15550000001/scan", json::serialize(json::object{{"qr", client.qr()}}));
  api.settle();
  REQUIRE_FALSE(waiting->response.has_value());
  api.clock.advance(31'000);
  REQUIRE(waiting->response.has_value());
  REQUIRE(api.error(*waiting->response, 504).at("code") == "TIMEOUT");
}

TEST_CASE("codes are entered through the API") {
  Api api;
  api.two_phones();
  const std::string route = "/sandbox/v1/phones/15550000001/enter-code";
  api.error(api.call("POST", route, R"({"code":"ABCD1234"})"), 404);
  Client client(api);
  client.open_pairing();
  client.ask_code("15550000001", "ABCD1234");
  REQUIRE(api.error(api.call("POST", route, R"({"code":"ABCDABCD"})"), 422).at("code") == "WRONG_CODE");
  REQUIRE(api.error(api.call("POST", route, R"({"code":"?"})"), 400).at("details").as_object().contains("code"));
  REQUIRE(api.data("POST", route, R"({"code":"ABCD-1234"})").at("device") == "15550000001:1@s.whatsapp.net");
}

TEST_CASE("faults are set by name, together or not at all") {
  Api api;
  const json::value before = api.data("GET", "/sandbox/v1/faults");
  REQUIRE(before.as_object().size() == 25);
  const json::value after = api.data("POST", "/sandbox/v1/faults", R"({"drop_acks":2,"hold_messages":true})");
  REQUIRE(after.at("drop_acks") == 2);
  REQUIRE(after.at("hold_messages").as_bool());
  REQUIRE(api.network.faults().drop_acks == 2);
  REQUIRE(api.data("GET", "/sandbox/v1/faults") == after);

  const json::object unknown =
      api.error(api.call("POST", "/sandbox/v1/faults", R"({"compress":true,"nonsense":1})"), 400);
  REQUIRE(unknown.at("details").at("nonsense").as_string().find("refuse_logins") != std::string::npos);
  REQUIRE_FALSE(api.network.faults().compress);
  api.error(api.call("POST", "/sandbox/v1/faults", R"({"drop_acks":true})"), 400);
  api.error(api.call("POST", "/sandbox/v1/faults", R"({"drop_acks":-1})"), 400);
  api.error(api.call("POST", "/sandbox/v1/faults", R"({"drop_acks":1.5})"), 400);
  api.error(api.call("POST", "/sandbox/v1/faults", R"({"compress":1})"), 400);
  REQUIRE_FALSE(api.data("POST", "/sandbox/v1/faults/release").at("hold_messages").as_bool());
}

TEST_CASE("an account is restricted or capped, by parts") {
  Api api;
  api.two_phones();
  const std::string route = "/sandbox/v1/phones/15550000002/account";
  const Account& account = *api.network.find_account(std::string_view("15550000002"));
  const json::value shown = api.data("POST", route, R"({"restricted":true,"newChatsLeft":3})");
  REQUIRE(shown.at("newChatsLeft") == 3);
  REQUIRE(account.restricted);
  REQUIRE(account.new_chats_left == 3u);
  REQUIRE(api.data("POST", route, R"({"newChatsLeft":null})").at("restricted").as_bool());
  REQUIRE_FALSE(account.new_chats_left);
  api.error(api.call("POST", route, R"({"restricted":1})"), 400);
  api.error(api.call("POST", route, R"({"newChatsLeft":-1})"), 400);
  REQUIRE(account.restricted);
}

TEST_CASE("switches of a phone act") {
  Api api;
  api.two_phones();
  const std::string ben = "/sandbox/v1/phones/15550000002";
  REQUIRE(api.data("POST", ben + "/power", R"({"on":false})").at("on") == false);
  REQUIRE_FALSE(api.phones.find("15550000002")->powered());
  api.data("POST", ben + "/power", R"({"on":true})");
  api.data("POST", ben + "/deliver", R"({"on":false})");
  api.data("POST", ben + "/deliver", R"({"on":true})");
  api.data("POST", ben + "/auto-read", R"({"on":true})");
  api.data("POST", ben + "/auto-reply", R"({"contains":"ping","text":"pong"})");
  api.data("POST", "/sandbox/v1/phones/15550000001/messages", R"({"to":"15550000002","text":"ping"})", 202);
  REQUIRE(texts(*api.phones.find("15550000001")) == std::vector<std::string>{"ping", "pong"});
  REQUIRE(api.data("POST", ben + "/auto-reply", "null").is_null());
  api.data("POST", ben + "/forget-sessions", R"({"peer":"15550000001"})");
  api.data("POST", ben + "/corrupt-sessions", R"({"peer":"15550000001"})");
  api.error(api.call("POST", ben + "/forget-sessions", R"({"peer":"15550000009"})"), 404);
  api.data("POST", ben + "/typing", R"({"to":"15550000001","state":"composing"})");
  api.error(api.call("POST", ben + "/typing", R"({"to":"15550000001","state":"dancing"})"), 400);
  const protocol::PublicKey before =
      api.network.find_account(std::string_view("15550000002"))->devices.at(0).keys.identity;
  api.data("POST", ben + "/reinstall");
  REQUIRE(api.network.find_account(std::string_view("15550000002"))->devices.at(0).keys.identity != before);
}

TEST_CASE("counters, wire and clock are shown") {
  Api api;
  api.two_phones();
  api.data("POST", "/sandbox/v1/phones/15550000001/messages", R"({"to":"15550000002","text":"secret words"})", 202);
  const json::value stats = api.data("GET", "/sandbox/v1/stats");
  REQUIRE(stats.at("messagesAccepted") == 1);
  REQUIRE(stats.at("reusedMessageKeys") == 0);
  REQUIRE(stats.at("devices").as_array().front().at("reusedMessageKeys") == 0);
  REQUIRE(stats.at("devices").as_array().size() == 2);
  const json::value wire = api.data("GET", "/sandbox/v1/wire");
  REQUIRE_FALSE(wire.as_array().empty());
  REQUIRE(json::serialize(wire).find("secret words") == std::string::npos);
  REQUIRE(api.data("GET", "/sandbox/v1/wire?limit=1").as_array().size() == 1);
  const std::int64_t before = api.clock.unix_ms();
  REQUIRE(api.data("POST", "/sandbox/v1/clock", R"({"advanceMs":5000})").at("unixMs") == before + 5'000);
  api.error(api.call("POST", "/sandbox/v1/clock", R"({"advanceMs":-1})"), 400);
}

TEST_CASE("what is not built says so") {
  Api api;
  api.two_phones();
  for (const std::string kind : {"image", "sticker"}) {
    const auto response =
        api.call("POST", "/sandbox/v1/phones/15550000001/messages", R"({"to":"15550000002",")" + kind + R"(":{}})");
    REQUIRE(api.error(response, 501).at("code") == "NOT_IMPLEMENTED");
  }
}

TEST_CASE("bad requests are refused with the status that fits") {
  struct Row {
    std::string method, target, body, type;
    unsigned status;
    std::string code, field;  // field: named in details, "" = none
  };
  const std::string json_type = "application/json", phones = "/sandbox/v1/phones", anna = phones + "/15550000001";
  const std::vector<Row> rows = {
      {"GET", "/sandbox/v1/nothing", "", "", 404, "NOT_FOUND", ""},
      {"GET", "/sandbox/v1", "", "", 404, "NOT_FOUND", ""},
      {"GET", "/sandbox/v1x/phones", "", "", 404, "NOT_FOUND", ""},
      {"GET", "/sandbox/v1/phones/1/2/3", "", "", 404, "NOT_FOUND", ""},
      {"DELETE", phones, "", "", 405, "METHOD_NOT_ALLOWED", ""},
      {"POST", "/sandbox/v1/network", "", "", 405, "METHOD_NOT_ALLOWED", ""},
      {"GET", "/sandbox/v1/phones/%zz", "", "", 400, "VALIDATION_ERROR", ""},
      {"GET", "/sandbox/v1/phones/%4", "", "", 400, "VALIDATION_ERROR", ""},
      {"GET", phones + "?a=%g1", "", "", 400, "VALIDATION_ERROR", ""},
      {"POST", phones, "{", json_type, 400, "VALIDATION_ERROR", ""},
      {"POST", phones, "[]", json_type, 400, "VALIDATION_ERROR", ""},
      {"POST", phones, "\"x\"", json_type, 400, "VALIDATION_ERROR", ""},
      {"POST", phones, std::string(200, '['), json_type, 400, "VALIDATION_ERROR", ""},
      {"POST", phones, "phone=1", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE", ""},
      {"POST", phones, "", "", 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, "{}", json_type, 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, R"({"phone":null})", json_type, 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, R"({"phone":15550000009})", json_type, 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, R"({"phone":"12345"})", json_type, 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, R"({"phone":"1234567890123456"})", json_type, 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, R"({"phone":"1555x000009"})", json_type, 400, "VALIDATION_ERROR", "phone"},
      {"POST", phones, R"({"phone":"15550000009","name":7})", json_type, 400, "VALIDATION_ERROR", "name"},
      {"POST", phones + "?strict=true", R"({"phone":"15550000009","nam":"x"})", json_type, 400, "VALIDATION_ERROR",
       "nam"},
      {"POST", anna + "/messages", R"({"text":"x"})", json_type, 400, "VALIDATION_ERROR", "to"},
      {"POST", anna + "/messages", R"({"to":"15550000002"})", json_type, 400, "VALIDATION_ERROR", "text"},
      {"POST", anna + "/messages", R"({"to":"15550000002","text":""})", json_type, 400, "VALIDATION_ERROR", "text"},
      {"POST", anna + "/messages", R"({"to":"15550000002","text":"x","mentions":"y"})", json_type, 400,
       "VALIDATION_ERROR", "mentions"},
      {"POST", anna + "/messages", R"({"to":"15550000002","text":"x","mentions":[1]})", json_type, 400,
       "VALIDATION_ERROR", "mentions[0]"},
      {"POST", anna + "/messages", R"({"to":"15550000002","text":"x","quoted":{}})", json_type, 400, "VALIDATION_ERROR",
       "quoted"},
      {"POST", anna + "/messages", R"({"to":"15559999999","text":"x"})", json_type, 404, "NOT_FOUND", ""},
      {"POST", anna + "/messages", R"({"to":"15550000002","text":"x","quoted":"none"})", json_type, 404, "NOT_FOUND",
       ""},
      {"POST", phones + "/15559999999/messages", R"({"to":"15550000002","text":"x"})", json_type, 404, "NOT_FOUND", ""},
      {"POST", anna + "/power", R"({"on":"yes"})", json_type, 400, "VALIDATION_ERROR", "on"},
      {"POST", anna + "/scan", "{}", json_type, 400, "VALIDATION_ERROR", "qr"},
      {"POST", anna + "/enter-code", "{}", json_type, 400, "VALIDATION_ERROR", "code"},
      {"POST", anna + "/read", "{}", json_type, 400, "VALIDATION_ERROR", "chat"},
      {"POST", anna + "/auto-reply", R"({"contains":"x"})", json_type, 400, "VALIDATION_ERROR", "text"},
      {"POST", anna + "/unlink", "{}", json_type, 400, "VALIDATION_ERROR", "device"},
      {"POST", "/sandbox/v1/kick", R"({"phone":"15550000001","device":1})", json_type, 400, "VALIDATION_ERROR", "how"},
      {"POST", "/sandbox/v1/kick", R"({"phone":"15550000001","device":1,"how":"gently"})", json_type, 400,
       "VALIDATION_ERROR", "how"},
      {"POST", "/sandbox/v1/kick", R"({"phone":"15550000001","device":0,"how":"515"})", json_type, 400,
       "VALIDATION_ERROR", "device"},
      {"POST", "/sandbox/v1/kick", R"({"phone":"15550000001","device":5,"how":"515"})", json_type, 404, "NOT_FOUND",
       ""},
      {"POST", "/sandbox/v1/devices/15550000001/x/drain-prekeys", "", "", 400, "VALIDATION_ERROR", ""},
      {"POST", "/sandbox/v1/devices/15550000001/5/drain-prekeys", "", "", 404, "NOT_FOUND", ""},
      {"POST", "/sandbox/v1/scan-qr?phone=x", "hello", "text/plain", 400, "VALIDATION_ERROR", ""},
  };
  REQUIRE(rows.size() == 45);
  for (const Row& row : rows) {
    Api api;
    api.two_phones();
    INFO(row.method << " " << row.target << " " << row.body);
    const auto response = api.call(row.method, row.target, row.body, row.type);
    const json::object error = api.error(response, row.status);
    CHECK(error.at("code").as_string() == row.code);
    if (!row.field.empty()) {
      CHECK(error.at("details").as_object().contains(row.field));
      CHECK(std::string_view(error.at("message").as_string()).find(row.field) != std::string_view::npos);
    }
    CHECK(api.phones.all().size() == 2);
    CHECK(api.network.stats().messages_accepted == 0);
  }
}

TEST_CASE("a wrong method is answered with the methods that are possible") {
  Api api;
  const auto response = api.call("PUT", "/sandbox/v1/phones");
  REQUIRE(response.status == 405);
  REQUIRE(response.headers == std::vector<std::pair<std::string, std::string>>{{"Allow", "GET, POST"}});
}

TEST_CASE("strict refuses by name what a route does not read") {
  Api api;
  api.two_phones();
  const std::string messages = "/sandbox/v1/phones/15550000001/messages";
  REQUIRE(api.data("GET", messages + "?colour=1").as_array().empty());
  REQUIRE(
      api.error(api.call("GET", messages + "?colour=1&strict=true"), 400).at("details").as_object().contains("colour"));
  REQUIRE(api.error(api.call("GET", messages + "?strict=true", "{}"), 400).at("details").as_object().contains("body"));
  REQUIRE(api.error(api.call("POST", "/sandbox/v1/faults/release?strict=true", R"({"all":true})"), 400)
              .at("details")
              .as_object()
              .contains("all"));
  REQUIRE(api.data("GET", messages + "?chat=+1+555-000-0002&strict=true").as_array().empty());
}

}  // namespace wharf::sandbox::test
