#include "web/media_json_reader.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>
#include <utility>
#include <vector>

#include "web/json_body.h"

using namespace wharf::web;
using wharf::protocol::Errc;
using wharf::protocol::Error;
using wharf::protocol::Result;

namespace {

struct Texts final : MediaTextSink {
  Result<> field_begins(std::string_view field) override {
    REQUIRE(open.empty());
    open = field;
    by_field[open].clear();
    ++begun;
    return refused == field ? Result<>(Error(Errc::storage_full, "no room")) : Result<>();
  }
  Result<> field_text(std::string_view text) override {
    REQUIRE(!open.empty());
    REQUIRE(!text.empty());
    by_field[open] += text;
    longest = std::max(longest, text.size());
    return {};
  }
  Result<> field_ends() override {
    REQUIRE(!std::exchange(open, {}).empty());
    return {};
  }
  std::map<std::string, std::string> by_field;
  std::string open, refused;
  std::size_t longest = 0;
  int begun = 0;
};

// What became of a body, as text: the object and what was streamed, or the problem.
std::string read(const std::vector<std::string_view>& pieces, int* begun = nullptr) {
  Texts texts;
  MediaJsonReader reader({"data", "media.data", "files[].data"}, texts);
  Result<> fed;
  for (const std::string_view piece : pieces)
    if (fed = reader.feed(piece); !fed) break;
  const auto object = reader.finish();
  if (!fed) REQUIRE(object.error() == fed.error());  // it stays failed
  // Boost.JSON finds a broken character where it begins or where it breaks, as it is cut.
  if (!object) return "error: " + object.error().detail.substr(0, object.error().detail.find(" near byte"));
  REQUIRE(texts.open.empty());
  if (begun) *begun = texts.begun;
  std::string out = boost::json::serialize(*object);
  for (const auto& [field, text] : texts.by_field) out += " " + field + "=" + text;
  return out;
}

std::string read(std::string_view body) {
  const std::string whole = read(std::vector{body});
  std::vector<std::string_view> bytes;
  for (std::size_t at = 0; at < body.size(); ++at) {
    bytes.push_back(body.substr(at, 1));
    if (read({body.substr(0, at), body.substr(at)}) != whole) FAIL(body << " cut at " << at);
  }
  if (read(bytes) != whole) FAIL(body << " byte by byte");
  return whole;
}

}  // namespace

TEST_CASE("media goes to the sink, the rest into the object, whatever comes first") {
  CHECK(read(R"({"chatId":"1@c.us","data":"Zm9v","caption":"x"})") ==
        R"({"chatId":"1@c.us","data":"","caption":"x"} data=Zm9v)");
  CHECK(read(R"( {"data" : "Zm9v" , "a" : [1, -2.5e3, true, null, {"b":{}}], "u":18446744073709551615} )") ==
        R"({"data":"","a":[1,-2.5E3,true,null,{"b":{}}],"u":18446744073709551615} data=Zm9v)");
  CHECK(read(R"({"media":{"mimetype":"image/png","data":"QQ==","x":1},"data":"Qg=="})") ==
        R"({"media":{"mimetype":"image/png","data":"","x":1},"data":""} data=Qg== media.data=QQ==)");
  CHECK(read(R"({"data":""})") == R"({"data":""} data=)");
  CHECK(read(R"({})") == "{}");
  CHECK(read("") == "{}");  // the fields say what is missing
}

TEST_CASE("media of the objects of a list go to the sink by their places") {
  CHECK(
      read(
          R"({"files":[{"data":"Zg==","x":[1]},{"url":"u"},7,[],"data",{"a":{"data":"n"},"data":"Zw=="}],"data":"aA=="})") ==
      R"({"files":[{"data":"","x":[1]},{"url":"u"},7,[],"data",{"a":{"data":"n"},"data":""}],"data":""})"
      " data=aA== files[0].data=Zg== files[5].data=Zw==");
  // Of a second list of the name the places count anew, as the last of two members does everywhere.
  CHECK(read(R"({"files":[{"data":"a"},{"data":"b"}],"files":[{"data":"c"}]})") ==
        R"({"files":[{"data":""}]} files[0].data=c files[1].data=b)");
  for (const std::string_view body :
       {R"({"files":{"data":"x"}})", R"({"files":{"data":["x"]}})", R"({"files":[["data","x"]]})",
        R"({"files":[[{"data":"x"}]]})", R"({"files":[{"a":{"data":"x"}},{"b":[{"data":"x"}]}]})",
        R"({"a":{"files":[{"data":"x"}]}})", R"({"files[]":[{"data":"x"}]})", R"({"file":[{"data":"x"}]})",
        R"({"files":["data",{"datb":"x"}]})", R"({"files[].data":"x"})"})
    CHECK(read(body) == body);
}

TEST_CASE("escapes are undone in media and in the names of fields") {
  CHECK(read(R"({"d\u0061ta":"data:image\/png;base64,a\n\u00e9\ud83d\ude00\"é"})") ==
        "{\"data\":\"\"} data=data:image/png;base64,a\n\u00e9\U0001F600\"é");
  CHECK(read(R"({"media":{"dat\u0061":"x"}})") == R"({"media":{"data":""}} media.data=x)");
}

TEST_CASE("only strings at the very place are media") {
  for (const std::string_view body :
       {R"({"data":{"data":"x"}})", R"({"data":["x"]})", R"({"data":7})", R"({"data":null})", R"({"Data":"x"})",
        R"({"media.data":"x"})", R"({"media":"x"})", R"({"media":[{"data":"x"}]})", R"({"media":{"a":{"data":"x"}}})",
        R"({"a":[{"data":"x"},["data","x"]],"b":"data"})", R"({"a":{"media":{"data":"x"}}})",
        R"({"dat":"","data2":"x"})", R"({"a":"media","b":{"data":"x"}})", R"({"":"x","a":{"":"data"}})"})
    CHECK(read(body) == body);
}

TEST_CASE("the last of two members of one name wins, as in every body") {
  CHECK(read(R"({"data":"a","x":1,"data":"b","x":2})") == R"({"data":"","x":2} data=b)");
  CHECK(read(R"({"media":{"data":"a"},"media":{"data":"b"}})") == R"({"media":{"data":""}} media.data=b)");
  // What was streamed counts no more: the object holds no string there.
  CHECK(read(R"({"data":"a","data":null})") == R"({"data":null} data=a)");
  CHECK(read(R"({"media":{"data":"a"},"media":{}})") == R"({"media":{}} media.data=a)");
  int begun = 0;
  CHECK(read({R"({"data":"a","data":"b","data":"c"})"}, &begun) == R"({"data":""} data=c)");
  CHECK(begun == 3);
}

TEST_CASE("a body that is no JSON object is refused as elsewhere") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"[]", "not a JSON object"},
      {"[{\"data\":\"x\"}]", "not a JSON object"},
      {"null", "not a JSON object"},
      {"\"data\"", "not a JSON object"},
      {"true", "not a JSON object"},
      {"1.5 ", "not a JSON object"},
      {"  ", "incomplete"},
      {"{\"data\":\"x", "incomplete"},
      {"{\"data\":\"x\"", "incomplete"},
      {"{\"data\":\"x\"} y", "extra data"},
      {"{\"a\": oops}", "syntax error"},
      {"{\"data\":\"x\xc3(\"}", "not valid JSON"},
      {"{\"data\":\"x\\ud800\"}", "not valid JSON"},
      {"{\"data\":\"x\ny\"}", "not valid JSON"},
      {"{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}", "too deep"},
  };
  for (const auto& [body, problem] : rows) {
    INFO(body);
    CHECK(read(body).starts_with("error: the body is not "));
    CHECK(read(body).find(problem) != std::string::npos);
    CHECK_FALSE(read_json_object("application/json", body).has_value());
  }
  CHECK(read("1.5") == "error: the body is not a JSON object");
}

TEST_CASE("where a body breaks is told") {
  const auto problem = [](std::string_view first, std::string_view second) {
    Texts texts;
    MediaJsonReader reader({"data"}, texts);
    REQUIRE(reader.feed(first).has_value());
    return reader.feed(second).error();
  };
  CHECK(problem(R"({"data":"x")", "} y").detail == "the body is not valid JSON: extra data near byte 14");
  CHECK(problem(R"({"data")", ":oops}").detail == "the body is not valid JSON: syntax error near byte 9");
  CHECK(problem(R"({"data")", ":oops}").code == Errc::malformed);
}

TEST_CASE("what is beside the media is bounded, the media is not") {
  const std::string media(5u << 20, 'A');
  const auto body_of = [&](std::size_t beside) {
    const std::string frame = R"({"a":"","data":""})";
    return R"({"a":")" + std::string(beside - frame.size(), 'x') + R"(","data":")" + media + "\"}";
  };
  const auto feed = [](const std::string& body, Texts& texts) {
    MediaJsonReader reader({"data"}, texts);
    Result<> fed;
    for (std::size_t at = 0; at < body.size() && fed; at += 65'536)
      fed = reader.feed(std::string_view(body).substr(at, 65'536));
    return fed ? Result<boost::json::object>(reader.finish()) : Result<boost::json::object>(fed.error());
  };
  Texts texts;
  CHECK(feed(body_of(max_json_bytes), texts).has_value());
  CHECK((texts.by_field["data"] == media));
  CHECK(texts.longest <= 65'536);
  Texts more;
  const auto refused = feed(body_of(max_json_bytes + 1), more);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::too_large);
  CHECK(refused.error().detail.find("524288 bytes beside its media") != std::string::npos);
}

// Whatever kind of value fills a body, the bound is that of its compact text.
TEST_CASE("every kind of value counts") {
  for (const std::string_view item : {"[]", "{}", "[[{}]]", "0", "-1.5", "true", "false", "null", "\"\"", "\"abc\"",
                                      "{\"k\":[1,2]}", "18446744073709551615", "111111111111111111111111111111"}) {
    INFO(item);
    const auto body_of = [&](std::size_t items) {
      std::string body = "{\"a\":[" + std::string(item);
      for (std::size_t i = 1; i < items; ++i) body.append(",").append(item);
      return body + "]}";
    };
    const auto code = [](const std::string& body) {
      Texts none;
      MediaJsonReader reader({}, none);
      const auto fed = reader.feed(body);
      return fed ? Errc::none : fed.error().code;
    };
    const std::size_t most = (max_json_bytes - 7) / (item.size() + 1);
    REQUIRE(body_of(most).size() <= max_json_bytes);
    CHECK(code(body_of(most)) == Errc::none);
    CHECK(code(body_of(most + 1)) == Errc::too_large);
  }
  // A name and a number that come in parts.
  for (const auto& [front, filling] : {std::pair("{\"k", 'k'), std::pair("{\"k\":1", '1')}) {
    Texts none;
    MediaJsonReader reader({}, none);
    REQUIRE(reader.feed(front).has_value());
    REQUIRE(reader.feed(std::string(max_json_bytes / 2, filling)).has_value());
    CHECK(reader.feed(std::string(max_json_bytes / 2, filling)).error().code == Errc::too_large);
  }
}

TEST_CASE("the sink's refusal of a field ends the reading") {
  Texts texts;
  texts.refused = "data";
  MediaJsonReader reader({"data"}, texts);
  REQUIRE(reader.feed(R"({"a":1,)").has_value());
  CHECK(reader.feed(R"("data":"x"})").error().code == Errc::storage_full);
  CHECK(reader.feed("}").error().code == Errc::storage_full);
  CHECK(reader.finish().error().code == Errc::storage_full);
}
