// Channels over the control API.

#include "tests/sandbox/control_world.h"

namespace wharf::sandbox::test {

namespace {

const std::string channels = "/sandbox/v1/channels";

struct Scene : Api {
  std::string news;
  Scene() {
    two_phones();
    const auto made =
        data("POST", channels, R"({"phone":"+1 555-000-0001","name":"News","description":"what happens"})", 201);
    news = channels + "/" + std::string(made.at("id").as_string());
  }
};

}  // namespace

TEST_CASE("a channel of the control API has an owner, followers, admins and posts with reactions") {
  Scene s;
  const auto shown = s.data("GET", s.news);
  CHECK(shown.at("name") == "News");
  CHECK(shown.at("owner") == "15550000001");
  CHECK(shown.at("posts").as_array().empty());
  CHECK(s.data("GET", channels).as_array().size() == 1);

  CHECK(s.data("POST", s.news + "/followers", R"({"phone":"15550000002"})").at("followers") ==
        json::array{"15550000002"});
  CHECK(s.error(s.call("POST", s.news + "/posts", R"({"phone":"15550000002","text":"me too"})"), 422).at("code") ==
        "REFUSED");
  CHECK(s.data("POST", s.news + "/followers", R"({"phone":"15550000002","admin":true})").at("admins") ==
        json::array{"15550000002"});
  const auto post = s.data("POST", s.news + "/posts", R"({"phone":"15550000002","text":"me too"})", 201);
  CHECK(post.at("author") == "15550000002");
  CHECK(post.at("text") == "me too");
  const std::string reactions = s.news + "/posts/" + std::string(post.at("serverId").as_string()) + "/reactions";
  CHECK(s.data("POST", reactions, R"({"phone":"15550000001","emoji":"👍"})").at("reactions") ==
        json::array{json::object{{"phone", "15550000001"}, {"emoji", "👍"}}});
  CHECK(s.data("POST", reactions, R"({"phone":"15550000001","emoji":""})").at("reactions").as_array().empty());
  CHECK(s.data("POST", s.news, R"({"name":"Old news"})").at("name") == "Old news");
  CHECK(s.data("POST", s.news + "/followers", R"({"phone":"15550000002","on":false})")
            .at("followers")
            .as_array()
            .empty());
  CHECK(s.data("GET", s.news).at("posts").as_array().size() == 1);
}

TEST_CASE("a post of the control API is edited and deleted") {
  Scene s;
  const auto post = s.data("POST", s.news + "/posts", R"({"text":"cod today"})", 201);
  const std::string path = s.news + "/posts/" + std::string(post.at("serverId").as_string());
  CHECK(s.data("POST", path, R"({"text":"no cod today"})").at("text") == "no cod today");
  const auto gone = s.data("DELETE", path);
  CHECK(gone.at("text").is_null());
  CHECK(gone.at("id") == post.at("id"));
  CHECK(s.error(s.call("POST", path, R"({"text":"again"})"), 422).at("code") == "REFUSED");
  CHECK(s.call("DELETE", s.news + "/posts/7").status == 404);
  CHECK(s.call("POST", s.news + "/posts/x", R"({"text":"again"})").status == 404);
  CHECK(s.call("POST", s.news + "/posts", R"({"media":{"kind":"image","data":"AAEC"}})").status == 503);
}

TEST_CASE("what the control API of channels cannot do says why") {
  Scene s;
  CHECK(s.call("GET", channels + "/120363000000000001@newsletter").status == 404);
  CHECK(s.call("GET", channels + "/nothing").status == 404);
  CHECK(s.call("POST", channels, R"({"phone":"15550000077","name":"Nobody's"})").status == 404);
  CHECK(
      s.error(s.call("POST", channels, R"({"phone":"15550000001"})"), 400).at("details").as_object().contains("name"));
  CHECK(s.call("POST", s.news + "/posts/7/reactions", R"({"phone":"15550000001","emoji":"👍"})").status == 404);
  CHECK(s.call("POST", s.news + "/posts/x/reactions", R"({"phone":"15550000001","emoji":"👍"})").status == 404);
  CHECK(s.error(s.call("POST", s.news, R"({})"), 400).at("details").as_object().contains("body"));
  CHECK(s.error(s.call("POST", s.news + "/posts", R"({})"), 400).at("details").as_object().contains("text"));
}

}  // namespace wharf::sandbox::test
