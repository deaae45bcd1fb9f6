// Groups over the control API.

#include "tests/sandbox/control_world.h"

namespace wharf::sandbox::test {

namespace {

struct GroupApi : Api {
  std::string group;
  GroupApi() {
    two_phones();
    data("POST", "/sandbox/v1/phones", R"({"phone":"15550000003","name":"Cleo"})", 201);
    const auto made = data("POST", "/sandbox/v1/phones/15550000001/groups",
                           R"({"subject":"Walks","participants":["15550000002"],"description":"on Sundays"})", 201);
    group = made.at("id").as_string();
  }
  std::string at(const std::string& phone, const std::string& what = {}) const {
    return "/sandbox/v1/phones/" + phone + "/groups/" + group + what;
  }
};

const std::string anna = "15550000001", ben = "15550000002", cleo = "15550000003";

}  // namespace

TEST_CASE("a phone makes a group over the control API and shows it as it is") {
  Api api;
  api.two_phones();
  const auto made = api.data("POST", "/sandbox/v1/phones/15550000001/groups",
                             R"({"subject":"Walks","participants":["+1 555 000 0002","15559999999"],"locked":true,
                                 "membersAdd":true,"disappearing":86400})",
                             201);
  CHECK(made.at("subject") == "Walks");
  CHECK(made.at("addressing") == "lid");
  CHECK(made.at("size") == 2);
  CHECK(made.at("locked") == true);
  CHECK(made.at("membersAdd") == true);
  CHECK(made.at("disappearing") == 86'400);
  CHECK(made.at("creator") == json::string(anna));
  CHECK(made.at("participants").as_array().size() == 2);
  CHECK(made.at("notAdded") == json::parse(R"([{"phone":"15559999999","result":"not_on_whatsapp","code":404}])"));
  const std::string id(made.at("id").as_string());
  const auto listed = api.data("GET", "/sandbox/v1/phones/15550000002/groups");
  REQUIRE(listed.as_array().size() == 1);
  CHECK(listed.at(0).at("id") == json::string(id));
  const auto shown = api.data("GET", "/sandbox/v1/phones/15550000002/groups/" + id.substr(0, id.find('@')));
  CHECK(shown.at("subject") == "Walks");
  const auto roles = shown.at("participants").as_array();
  CHECK(roles.at(0).at("role") == "superadmin");
  CHECK(roles.at(1).at("phone") == json::string(ben));
}

TEST_CASE("members, names and settings change over the control API") {
  GroupApi api;
  CHECK(api.data("POST", api.at(anna, "/participants"),
                 R"({"action":"add","participants":["15550000003","15550000002"]})") ==
        json::parse(R"([{"phone":"15550000003","result":"added","code":200},
                               {"phone":"15550000002","result":"already_member","code":409}])"));
  api.data("POST", api.at(anna, "/participants"), R"({"action":"promote","participants":["15550000002"]})");
  CHECK(api.error(
            api.call("POST", api.at(cleo, "/participants"), R"({"action":"remove","participants":["15550000002"]})"),
            422)["code"] == "REFUSED");
  api.data("POST", api.at(ben, "/subject"), R"({"subject":"Runs"})");
  api.data("POST", api.at(ben, "/description"), R"({"description":"fast"})");
  api.data("POST", api.at(ben, "/description"), R"({"description":null})");
  api.data("POST", api.at(ben, "/settings"),
           R"({"announcement":true,"locked":true,"approval":true,"disappearing":604800})");
  const auto shown = api.data("GET", api.at(cleo));
  CHECK(shown.at("subject") == "Runs");
  CHECK(shown.at("description").is_null());
  CHECK(shown.at("announcement") == true);
  CHECK(shown.at("approval") == true);
  CHECK(shown.at("disappearing") == 604'800);
  api.error(api.call("POST", api.at(cleo, "/settings"), R"({"announcement":false})"), 422);
  api.error(api.call("POST", api.at(anna, "/settings"), "{}"), 400);
  api.data("POST", api.at(cleo, "/leave"));
  api.error(api.call("GET", api.at(cleo)), 422);
  api.error(api.call("GET", "/sandbox/v1/phones/15550000001/groups/120363000000000000"), 404);
  api.error(api.call("GET", "/sandbox/v1/phones/15550000001/groups/nope"), 404);
}

TEST_CASE("a link leads in over the control API, and requests are decided") {
  GroupApi api;
  const auto link = api.data("GET", api.at(anna, "/link"));
  CHECK(link.at("link").as_string().starts_with("https://chat.whatsapp.com/"));
  api.error(api.call("GET", api.at(ben, "/link")), 422);
  api.data("POST", api.at(anna, "/settings"), R"({"approval":true})");
  const std::string join = R"({"link":")" + std::string(link.at("link").as_string()) + R"("})";
  CHECK(api.data("POST", "/sandbox/v1/phones/15550000003/groups/join", join).at("state") == "pending_approval");
  const auto waiting = api.data("GET", api.at(anna, "/requests"));
  CHECK(waiting.at(0).at("phone") == json::string(cleo));
  CHECK(waiting.at(0).at("method") == "invite_link");
  api.data("POST", api.at(cleo, "/requests/withdraw"));
  CHECK(api.data("GET", api.at(anna, "/requests")).as_array().empty());
  api.data("POST", "/sandbox/v1/phones/15550000003/groups/join", join);
  const auto decided = api.data("POST", api.at(anna, "/requests"), R"({"approve":["15550000003"]})");
  CHECK(decided.at("approved").at(0).at("result") == "approved");
  CHECK(api.data("GET", "/sandbox/v1/phones/15550000003/groups").as_array().size() == 1);
  const auto fresh = api.data("POST", api.at(anna, "/link/reset"));
  CHECK(fresh.at("code") != link.at("code"));
  api.error(api.call("POST", "/sandbox/v1/phones/15550000003/groups/join", join), 422);
  api.error(api.call("POST", "/sandbox/v1/phones/15550000003/groups/join", R"({"link":"no link"})"), 400);
}

TEST_CASE("messages, reading and typing go to groups over the control API") {
  GroupApi api;
  const std::string send = R"({"to":")" + api.group + R"(","text":"hello"})";
  const auto sent = api.data("POST", "/sandbox/v1/phones/15550000001/messages", send, 202);
  const auto got = api.data("GET", "/sandbox/v1/phones/15550000002/messages?chat=" + api.group);
  REQUIRE(got.as_array().size() == 1);
  CHECK(got.at(0).at("chat") == json::string(api.group));
  CHECK(got.at(0).at("author") == json::string(anna));
  CHECK(got.at(0).at("id") == sent.at("id"));
  api.data("POST", "/sandbox/v1/phones/15550000002/read", R"({"chat":")" + api.group + R"("})");
  const auto own = api.data("GET", "/sandbox/v1/phones/15550000001/messages");
  CHECK(own.at(0).at("status") == "read");
  CHECK(own.at(0).at("recipients") == json::parse(R"({"15550000002":"read"})"));
  api.data("POST", "/sandbox/v1/phones/15550000002/typing", R"({"to":")" + api.group + R"(","state":"composing"})");
  api.error(
      api.call("POST", "/sandbox/v1/phones/15550000003/typing", R"({"to":")" + api.group + R"(","state":"composing"})"),
      404);
  api.error(api.call("POST", "/sandbox/v1/phones/15550000003/messages", send), 404);
  api.data("POST", "/sandbox/v1/phones/15550000002/forget-sender-keys");
  api.data("POST", "/sandbox/v1/phones/15550000001/messages", R"({"to":")" + api.group + R"(","text":"again"})", 202);
  CHECK(api.data("GET", "/sandbox/v1/phones/15550000002/messages").at(1).at("text") == "again");
}

TEST_CASE("who cannot be added is invited by a message and accepts it over the control API") {
  GroupApi api;
  Node iq("iq");
  iq.set("type", "set").set("xmlns", "privacy").set("id", api.id()).set("to", protocol::server_jid());
  iq.add(Node("privacy").add(Node("category").set("name", "groupadd").set("value", "none")));
  api.network.handle({cleo, 0}, iq);
  const auto rows =
      api.data("POST", api.at(anna, "/participants"), R"({"action":"add","participants":["15550000003"]})");
  CHECK(rows.at(0).at("result") == "invite_required");
  const auto& invite = rows.at(0).at("invite").as_object();
  json::object shown{{"group", api.group}, {"code", invite.at("code")}, {"expiresAt", invite.at("expiresAt")}};
  json::object message{{"to", cleo}, {"groupInvite", shown}};
  message["groupInvite"].as_object()["name"] = "Walks";
  api.data("POST", "/sandbox/v1/phones/15550000001/messages", json::serialize(message), 202);
  const auto received = api.data("GET", "/sandbox/v1/phones/15550000003/messages").at(0);
  CHECK(received.at("kind") == "group_invite");
  CHECK(received.at("groupInvite").at("group") == json::string(api.group));
  CHECK(received.at("groupInvite").at("code") == invite.at("code"));
  CHECK(received.at("groupInvite").at("expiresAt") == invite.at("expiresAt"));
  shown["from"] = anna;
  const auto joined =
      api.data("POST", "/sandbox/v1/phones/15550000003/groups/join", json::serialize(json::object{{"invite", shown}}));
  CHECK(joined.at("state") == "joined");
  CHECK(joined.at("group") == json::string(api.group));
}

TEST_CASE("communities are made, linked and parted over the control API") {
  GroupApi api;
  const auto root =
      api.data("POST", "/sandbox/v1/phones/15550000001/groups", R"({"subject":"Village","community":true})", 201);
  CHECK(root.at("community") == true);
  const std::string base = "/sandbox/v1/phones/15550000001/groups/" + std::string(root.at("id").as_string());
  const std::string body = R"({"groups":[")" + api.group + R"("]})";
  CHECK(api.data("POST", base + "/sub-groups", body).at(0).at("code") == 200);
  const auto listed = api.data("GET", base + "/sub-groups");
  CHECK(listed.as_array().size() == 2);
  CHECK(api.data("GET", api.at(ben)).at("parent") == root.at("id"));
  CHECK(api.data("POST", base + "/sub-groups/unlink", body).at(0).at("code") == 200);
  CHECK(api.data("GET", base + "/sub-groups").as_array().size() == 1);
}

TEST_CASE("a group gets a picture, and a phone that is off asks nobody") {
  GroupApi api;
  CHECK(api.data("POST", api.at(ben, "/picture"), R"({"data":"/9j/4AAQSkY="})").at("id").is_string());
  api.error(api.call("POST", api.at(ben, "/picture"), R"({"data":"aGVsbG8="})"), 422);
  api.data("POST", api.at(ben, "/picture"), R"({"data":null})");
  api.data("POST", "/sandbox/v1/phones/15550000002/power", R"({"on":false})");
  api.error(api.call("GET", api.at(ben)), 503);
}

}  // namespace wharf::sandbox::test
