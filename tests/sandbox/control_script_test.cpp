// Scenarios over the control API, on the virtual clock.

#include <algorithm>
#include <set>
#include <tuple>

#include "sandbox/control_actions.h"
#include "sandbox/scenario.h"
#include "sandbox/scripts.h"
#include "tests/sandbox/control_world.h"

namespace wharf::sandbox::test {

namespace {

const std::string anna = "15550000001", ben = "15550000002";

/// Anna and Ben, and scenarios that name them so.
struct Stage : Api {
  Stage() { two_phones(); }

  static std::string scenario(const std::string& steps, const std::string& more = "") {
    return R"({"phones":{"anna":"+1 555-000-0001","ben":"15550000002"},)" + more + R"("steps":)" + steps + "}";
  }
  std::shared_ptr<Answered> begin(const std::string& steps, const std::string& more = "") {
    return start("POST", "/sandbox/v1/script", scenario(steps, more));
  }
  /// What a scenario came to that has ended by now.
  json::object report_of(const std::shared_ptr<Answered>& sink) {
    REQUIRE(sink->response);
    INFO(sink->response->body);
    REQUIRE(sink->response->status == 200);
    return json::parse(sink->response->body).at("data").as_object();
  }
  /// Plays for so long.
  json::object play(const std::string& steps, std::int64_t ms = 0, const std::string& more = "") {
    const auto sink = begin(steps, more);
    clock.advance(ms);
    return report_of(sink);
  }
  json::object passes(const std::string& steps, std::int64_t ms = 0, const std::string& more = "") {
    auto report = play(steps, ms, more);
    INFO(json::serialize(report));
    REQUIRE(report.at("passed").as_bool());
    REQUIRE(report.at("state") == "passed");
    REQUIRE(report.at("failure").is_null());
    return report;
  }
  /// The row of the step that failed, which is the last one.
  json::object fails(const std::string& steps, std::int64_t ms = 0, const std::string& more = "") {
    const auto report = play(steps, ms, more);
    INFO(json::serialize(report));
    REQUIRE_FALSE(report.at("passed").as_bool());
    REQUIRE(report.at("state") == "failed");
    const auto row = report.at("results").as_array().back().as_object();
    REQUIRE_FALSE(row.at("ok").as_bool());
    REQUIRE(
        std::string_view(report.at("failure").as_string()).starts_with(std::string_view(row.at("step").as_string())));
    return row;
  }
  json::value detached(const std::string& steps) {
    return data("POST", "/sandbox/v1/script", scenario(steps, R"("detached":true,)"), 202);
  }
  std::string detached_id(const std::string& steps) { return std::string(detached(steps).at("id").as_string()); }
  void say(const std::string& from, const std::string& to, const std::string& text) {
    data("POST", "/sandbox/v1/phones/" + from + "/messages", json::serialize(json::object{{"to", to}, {"text", text}}),
         202);
  }
};

std::string code_of(const json::object& row) { return std::string(row.at("error").at("code").as_string()); }
std::string message_of(const json::object& row) { return std::string(row.at("error").at("message").as_string()); }

/// A client that goes.
struct Leaving final : net::Responder::Sink {
  bool gone = false, answered = false;
  void respond(net::HttpResponse) override { answered = true; }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override { return gone; }
};

}  // namespace

TEST_CASE("a scenario is played step by step on the network's clock, and answers at its end") {
  Stage stage;
  const auto sink = stage.begin(R"([
    {"who": "ben", "do": "auto-reply", "contains": "ping", "text": "pong"},
    {"after": 500, "who": "anna", "do": "messages", "to": "$ben", "text": "ping", "as": "ping"},
    {"do": "expect", "who": "anna", "text": "pong", "from": "$ben", "kind": "text", "as": "pong"},
    {"at": 2000, "who": "anna", "do": "read", "chat": "$ben", "id": "$pong.id"},
    {"do": "expect", "who": "ben", "id": "$pong.id", "status": "read"},
    {"do": "wait", "ms": 1000}
  ])",
                                R"("seed":7,"name":"ping",)");
  stage.clock.advance(499);
  REQUIRE(stage.network.stats().messages_accepted == 0);
  stage.clock.advance(1);
  REQUIRE(texts(*stage.phones.find(anna)) == std::vector<std::string>{"ping", "pong"});
  stage.clock.advance(1'499);
  REQUIRE(with_text(*stage.phones.find(ben), "pong")->status == "delivered");
  stage.clock.advance(1'000);
  REQUIRE_FALSE(sink->response);
  stage.clock.advance(1);
  const auto report = stage.report_of(sink);
  REQUIRE(report.at("passed").as_bool());
  REQUIRE(report.at("name") == "ping");
  REQUIRE(report.at("seed") == 7);
  REQUIRE(report.at("took") == 3'000);
  const auto& rows = report.at("results").as_array();
  REQUIRE(rows.size() == 6);
  std::vector<std::int64_t> at;
  for (const auto& row : rows) at.push_back(row.at("at").as_int64());
  REQUIRE(at == std::vector<std::int64_t>{0, 500, 500, 2'000, 2'000, 2'000});
  REQUIRE(rows[1].at("step") == "steps[1]");
  REQUIRE(rows[1].at("do") == "messages");
  REQUIRE(rows[1].at("as") == "ping");
  REQUIRE(rows[1].at("status") == 202);
  REQUIRE(rows[2].at("data").at("text") == "pong");
  REQUIRE(rows[4].at("data").at("status") == "read");
  REQUIRE(rows[5].at("ended") == 3'000);
}

TEST_CASE("the same seed draws the same, another seed otherwise") {
  const auto played = [](const std::string& seed) {
    Stage stage;
    return stage.passes(R"([{"do":"repeat","times":5,"steps":[
                              {"who":"anna","do":"messages","to":"$ben","text":"x","after":10,"jitter":1000}]}])",
                        10'000, seed.empty() ? "" : R"("seed":)" + seed + ",");
  };
  const auto first = played("7");
  REQUIRE(first == played("7"));
  const auto other = played("8");
  std::vector<std::int64_t> times, others;
  for (const auto& row : first.at("results").as_array()) times.push_back(row.at("at").as_int64());
  for (const auto& row : other.at("results").as_array()) others.push_back(row.at("at").as_int64());
  REQUIRE(times != others);
  REQUIRE(std::is_sorted(times.begin(), times.end()));
  REQUIRE(times.back() <= 5 * 1'010);
  // Without one it is drawn and told, so that the scenario can be played again.
  const auto unseeded = played("");
  auto again = played(json::serialize(unseeded.at("seed")));
  REQUIRE(again.at("seed") == unseeded.at("seed"));
  for (std::size_t i = 0; i < 5; ++i)
    REQUIRE(again.at("results").at(i).at("at") == unseeded.at("results").at(i).at("at"));
}

TEST_CASE("values of earlier steps stand for themselves, within texts and paths too") {
  Stage stage;
  const auto report = stage.passes(R"([
    {"who": "anna", "do": "groups", "subject": "Team", "participants": [], "as": "team"},
    {"who": "anna", "do": "groups/link", "group": "$team.id", "as": "link"},
    {"who": "ben", "do": "groups/join", "link": "$link.link"},
    {"who": "ben", "do": "groups", "group": "$team.id", "as": "shown"},
    {"who": "anna", "do": "messages", "to": "$team.id", "text": "${shown.subject}s of ${shown.size}, $shown.subject: 5 $$, $5", "as": "said"},
    {"do": "expect", "who": "ben", "chat": "$team.id", "text": "Teams of 2, Team: 5 $$, $5", "as": "heard"},
    {"who": "ben", "do": "messages", "to": "$team.id", "reaction": {"message": "$heard.id", "emoji": "+"}},
    {"do": "expect", "who": "anna", "kind": "reaction", "target": "$said.id", "from": "+1 555 000 0002"},
    {"do": "expect", "who": "anna", "id": "$said.id", "status": "delivered", "by": "$ben"},
    {"who": "anna", "do": "GET messages", "limit": 1, "chat": "$team.id", "as": "list"},
    {"do": "expect", "who": "anna", "id": "$list.0.id", "kind": "reaction"}
  ])",
                                   1'000);
  const auto& rows = report.at("results").as_array();
  REQUIRE(rows[5].at("data").at("text") == "Teams of 2, Team: 5 $, $5");
  REQUIRE(rows[3].at("data").at("participants").as_array().size() == 2);
}

TEST_CASE("faults are set by steps, with values of earlier ones") {
  Stage stage;
  stage.passes(R"([{"do":"faults","drop_acks":2,"compress":true,"as":"faults"},
                   {"do":"faults","drop_acks":0,"reorder":"$faults.drop_acks"}])");
  REQUIRE(stage.network.faults().drop_acks == 0);
  REQUIRE(stage.network.faults().reorder == 2);
  REQUIRE(stage.network.faults().compress);
}

TEST_CASE("a step ends when its route answers, however late that is") {
  Stage stage;
  Client client(stage);
  client.open_pairing();
  const auto report = stage.passes(R"([
    {"who": "anna", "do": "scan", "qr": ")" +
                                   client.qr() + R"(", "as": "desk"},
    {"who": "anna", "do": "devices/drain-prekeys", "device": 1},
    {"who": "$desk.phone", "do": "phones"}
  ])");
  const auto& rows = report.at("results").as_array();
  REQUIRE(rows[0].at("data").at("device") == "15550000001:1@s.whatsapp.net");
  REQUIRE(rows[1].at("data").at("preKeys") == 0);
  REQUIRE(rows[2].at("data").at("companions").as_array().size() == 1);
}

TEST_CASE("steps are repeated, and know which repetition it is") {
  Stage stage;
  const auto report = stage.passes(R"([
    {"do": "repeat", "times": 2, "as": "outer", "steps": [
      {"do": "repeat", "times": 2, "as": "inner", "steps": [
        {"who": "anna", "do": "messages", "to": "$ben", "text": "${outer.n}.${inner.n}", "after": 100}]},
      {"who": "ben", "do": "read", "chat": "$anna"}]}
  ])",
                                   1'000);
  REQUIRE(texts(*stage.phones.find(ben)) == std::vector<std::string>{"1.1", "1.2", "2.1", "2.2"});
  std::vector<std::pair<std::string, std::int64_t>> rows;
  for (const auto& row : report.at("results").as_array())
    rows.emplace_back(std::string(row.at("step").as_string()), row.at("round").to_number<std::int64_t>());
  const std::string message = "steps[0].steps[0].steps[0]", read = "steps[0].steps[1]";
  REQUIRE(rows == std::vector<std::pair<std::string, std::int64_t>>{
                      {message, 1}, {message, 2}, {read, 1}, {message, 1}, {message, 2}, {read, 2}});
  REQUIRE(report.at("steps") == 6);
  REQUIRE(report.at("took") == 400);
}

TEST_CASE("a step that fails ends the scenario and says why, by its place") {
  Stage stage;
  SECTION("the route refuses") {
    const auto row = stage.fails(R"([{"do":"wait","ms":10},
        {"who":"anna","do":"messages","to":"15559999999","text":"x"},
        {"who":"anna","do":"messages","to":"$ben","text":"never"}])",
                                 1'000);
    REQUIRE(row.at("step") == "steps[1]");
    REQUIRE(row.at("status") == 404);
    REQUIRE(code_of(row) == "NOT_FOUND");
    REQUIRE(stage.network.stats().messages_accepted == 0);
  }
  SECTION("what a route looks at itself is named too") {
    const auto row = stage.fails(R"([{"who":"anna","do":"unlink","device":"some"}])");
    REQUIRE(row.at("error").at("details").as_object().contains("steps[0].device"));
  }
  SECTION("a value that is not there") {
    const auto row = stage.fails(R"([{"who":"anna","do":"messages","to":"$ben","text":"x","as":"said"},
                                     {"who":"ben","do":"messages","to":"$anna","text":"$said.colour"}])");
    REQUIRE(row.at("step") == "steps[1]");
    REQUIRE(row.at("error").at("details").as_object().contains("steps[1].text"));
  }
  SECTION("a value of a wrong kind") {
    const auto row = stage.fails(R"([{"who":"ben","do":"power","on":true,"as":"power"},
                                     {"who":"anna","do":"messages","to":"$ben","text":"$power.on"}])");
    REQUIRE(row.at("status") == 400);
    REQUIRE(row.at("error").at("details").as_object().contains("steps[1].text"));
  }
  SECTION("an answer that is too large") {
    const std::string text(40'000, 'x');
    stage.say(anna, ben, text);
    stage.say(anna, ben, text);
    const auto row = stage.fails(R"([{"who":"ben","do":"GET messages"}])");
    REQUIRE(code_of(row) == "PAYLOAD_TOO_LARGE");
  }
  SECTION("a text that grows without end") {
    const auto row = stage.fails(R"([{"who":"anna","do":"messages","to":"$ben","text":")" + std::string(60'000, 'x') +
                                 R"("},{"do":"expect","who":"ben","as":"m"},
                                 {"who":"ben","do":"messages","to":"$anna","text":"${m.text}${m.text}${m.text}${m.text}${m.text}${m.text}${m.text}${m.text}${m.text}"}])");
    REQUIRE(row.at("step") == "steps[2]");
    REQUIRE(message_of(row).find("too long") != std::string::npos);
  }
  SECTION("the time of the whole") {
    const auto row = stage.fails(R"([{"do":"expect","who":"ben","within":60000}])", 1'000, R"("timeout":1000,)");
    REQUIRE(code_of(row) == "TIMEOUT");
    REQUIRE(row.at("ended") == 1'000);
  }
}

TEST_CASE("what was not received is said with what was") {
  Stage stage;
  SECTION("another text") {
    const auto sink = stage.begin(R"([{"who":"ben","do":"messages","to":"$anna","text":"pang"},
                                      {"do":"expect","who":"anna","text":"pong","within":3000}])");
    stage.clock.advance(2'999);
    REQUIRE_FALSE(sink->response);
    stage.clock.advance(1);
    const auto row = stage.report_of(sink).at("results").as_array().back().as_object();
    REQUIRE(code_of(row) == "EXPECTATION_FAILED");
    REQUIRE(message_of(row).find("text \"pang\" from 15550000002") != std::string::npos);
    REQUIRE(row.at("error").at("seen").at(0).at("text") == "pang");
    REQUIRE(row.at("ended") == 3'000);
  }
  SECTION("nothing at all") {
    const auto row = stage.fails(R"([{"do":"expect","who":"anna","within":10}])", 10);
    REQUIRE(message_of(row).find("it received none") != std::string::npos);
    REQUIRE_FALSE(row.at("error").as_object().contains("seen"));
  }
  SECTION("a message that came less far") {
    const auto row = stage.fails(R"([{"who":"anna","do":"messages","to":"$ben","text":"x","as":"said"},
                                     {"do":"expect","who":"anna","id":"$said.id","status":"read","within":10}])",
                                 10);
    REQUIRE(message_of(row).find("which is delivered") != std::string::npos);
  }
  SECTION("a phone that is not there") {
    REQUIRE(code_of(stage.fails(R"([{"do":"expect","who":"15559999999","within":10}])")) == "NOT_FOUND");
  }
  SECTION("what was not to come") {
    const auto row = stage.fails(R"([{"who":"ben","do":"messages","to":"$anna","text":"psst"},
                                     {"do":"expect","who":"anna","contains":"ss","absent":true,"within":50}])",
                                 50);
    REQUIRE(row.at("error").at("seen").at(0).at("text") == "psst");
  }
}

TEST_CASE("each message is expected once, and none that was there before") {
  Stage stage;
  stage.say(ben, anna, "hi");
  stage.passes(R"([{"do":"expect","who":"anna","text":"hi","within":10,"absent":true}])", 10);
  const std::string twice = R"([{"who":"ben","do":"messages","to":"$anna","text":"hi"},
                                {"who":"ben","do":"messages","to":"$anna","text":"ho"},
                                {"do":"expect","who":"anna","text":"ho"},
                                {"do":"expect","who":"anna","text":"hi"})";
  stage.passes(twice + "]", 10);
  const auto row = stage.fails(twice + R"(,{"do":"expect","who":"anna","text":"hi","within":10}])", 10);
  REQUIRE(row.at("step") == "steps[4]");
}

TEST_CASE("a status is expected where it is asked for, and taken for no message") {
  Stage stage;
  const std::string posted = R"([{"who":"ben","do":"statuses","text":"hi","audience":["$anna"],"as":"status"},)";
  stage.passes(posted + R"({"do":"expect","who":"anna","text":"hi","absent":true,"within":10},
                           {"do":"expect","who":"anna","text":"hi","chat":"status@broadcast","from":"$ben"}])",
               10);
  const auto row = stage.fails(posted + R"({"do":"expect","who":"anna","text":"hi","within":10}])", 10);
  REQUIRE(message_of(row).find("it received none") != std::string::npos);
  // One that is named is meant.
  stage.passes(posted + R"({"do":"expect","who":"anna","id":"$status.id"}])", 10);
  // And a message is no status.
  stage.fails(R"([{"who":"ben","do":"messages","to":"$anna","text":"ho"},
                  {"do":"expect","who":"anna","chat":"status@broadcast","text":"ho","within":10}])",
              10);
}

TEST_CASE("a message that comes later is noticed when it comes") {
  Stage stage;
  const auto sink = stage.begin(R"([{"do":"expect","who":"anna","text":"late","within":5000}])");
  stage.clock.advance(1'234);
  stage.say(ben, anna, "early");
  stage.say(ben, anna, "late");
  REQUIRE(sink->response);
  const auto report = stage.report_of(sink);
  REQUIRE(report.at("passed").as_bool());
  REQUIRE(report.at("results").at(0).at("ended") == 1'234);
}

TEST_CASE("the network's clock can be moved by a step") {
  Stage stage;
  const auto report = stage.passes(R"([{"do":"clock","advanceMs":5000},{"do":"wait","ms":100}])", 10'000);
  REQUIRE(report.at("took") == 5'100);
}

TEST_CASE("detached scenarios answer at once, and are looked at and stopped") {
  Stage stage;
  const auto begun = stage.detached(R"([{"who":"anna","do":"messages","to":"$ben","text":"one"},
                                        {"after":1000,"who":"anna","do":"messages","to":"$ben","text":"two"}])");
  const std::string path = "/sandbox/v1/script/" + std::string(begun.at("id").as_string());
  REQUIRE(begun.at("state") == "playing");
  REQUIRE(begun.at("steps") == 2);
  auto shown = stage.data("GET", path);
  REQUIRE(shown.at("state") == "playing");
  REQUIRE(shown.at("results").as_array().size() == 1);
  REQUIRE(stage.data("GET", "/sandbox/v1/scripts").at(0).at("played") == 1);
  SECTION("to its end") {
    stage.clock.advance(1'000);
    shown = stage.data("GET", path);
    REQUIRE(shown.at("state") == "passed");
    REQUIRE(shown.at("results").as_array().size() == 2);
    REQUIRE(stage.data("DELETE", path).at("state") == "passed");
  }
  SECTION("stopped before") {
    REQUIRE(stage.data("DELETE", path).at("state") == "stopped");
    stage.clock.advance(10'000);
    REQUIRE(texts(*stage.phones.find(ben)) == std::vector<std::string>{"one"});
  }
  stage.error(stage.call("GET", path), 404);
  stage.error(stage.call("DELETE", path), 404);
  stage.error(stage.call("GET", "/sandbox/v1/script/1x"), 404);
  REQUIRE(stage.data("GET", "/sandbox/v1/scripts").as_array().empty());
}

TEST_CASE("who waits for a scenario that is stopped is answered") {
  Stage stage;
  const auto sink = stage.begin(R"([{"do":"wait","ms":1000}])");
  stage.settle();
  const auto listed = stage.data("GET", "/sandbox/v1/scripts");
  stage.data("DELETE", "/sandbox/v1/script/" + std::string(listed.at(0).at("id").as_string()));
  REQUIRE(stage.report_of(sink).at("state") == "stopped");
}

TEST_CASE("a scenario ends when the network does") {
  Stage stage;
  const auto sink = stage.begin(R"([{"do":"wait","ms":1000}])");
  const auto id = stage.detached_id(R"([{"do":"wait","ms":1000}])");
  stage.control.end_scripts();
  REQUIRE(sink->response);
  REQUIRE(stage.error(*sink->response, 503).at("code") == "UNAVAILABLE");
  REQUIRE(stage.data("GET", "/sandbox/v1/script/" + id).at("state") == "stopped");
  stage.error(stage.call("POST", "/sandbox/v1/script", Stage::scenario(R"([{"do":"wait","ms":1}])")), 503);
}

TEST_CASE("a scenario ends with the client that waits for it") {
  Stage stage;
  const auto client = std::make_shared<Leaving>();
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/sandbox/v1/script";
  request.body = Stage::scenario(R"([{"do":"wait","ms":5000},{"who":"anna","do":"messages","to":"$ben","text":"x"}])");
  request.headers.emplace_back("content-type", "application/json");
  stage.control.handle(std::move(request), net::Responder(client));
  stage.clock.advance(1'500);
  REQUIRE(stage.data("GET", "/sandbox/v1/scripts").at(0).at("state") == "playing");
  client->gone = true;
  stage.clock.advance(500);
  REQUIRE(stage.data("GET", "/sandbox/v1/scripts").at(0).at("state") == "stopped");
  stage.clock.advance(10'000);
  REQUIRE(stage.network.stats().messages_accepted == 0);
}

TEST_CASE("so many scenarios play at one time, and so many are kept") {
  Stage stage;
  const std::string waits = R"([{"do":"wait","ms":1000}])";
  for (std::size_t i = 0; i < Scripts::max_playing; ++i) stage.detached(waits);
  const auto refused = stage.call("POST", "/sandbox/v1/script", Stage::scenario(waits));
  REQUIRE(stage.error(refused, 429).at("code") == "RATE_LIMITED");
  stage.clock.advance(1'000);
  std::string last;
  for (std::size_t i = 0; i < Scripts::max_ended + 3; ++i) {
    last = stage.detached_id(waits);
    stage.clock.advance(1'000);
  }
  const auto listed = stage.data("GET", "/sandbox/v1/scripts").as_array();
  REQUIRE(listed.size() == Scripts::max_ended);
  REQUIRE(listed[0].at("id").as_string() == last);
}

TEST_CASE("a scenario is refused whole, by the place of what is wrong") {
  struct Row {
    std::string body, field;
    unsigned status = 400;
  };
  const auto steps = [](const std::string& list) { return Stage::scenario("[" + list + "]"); };
  const std::string wait = R"({"do":"wait","ms":1})";
  const auto nested = [&wait](std::size_t depth) {
    std::string out = wait;
    for (std::size_t i = 0; i < depth; ++i) out = R"({"do":"repeat","times":1,"steps":[)" + out + "]}";
    return out;
  };
  std::string many = wait;
  for (std::size_t i = 0; i < Scenario::max_steps; ++i) many += "," + wait;
  const std::string send = R"("do":"messages","who":"anna","to":"$ben")";
  const std::vector<Row> rows = {
      {"{}", "steps"},
      {R"({"steps":[]})", "steps"},
      {R"({"steps":{}})", "steps"},
      {R"({"steps":[1]})", "steps[0]"},
      {steps(many), "steps"},
      {Stage::scenario("[" + wait + "]", R"("colour":1,)"), "colour"},
      {Stage::scenario("[" + wait + "]", R"("seed":-1,)"), "seed"},
      {Stage::scenario("[" + wait + "]", R"("timeout":0,)"), "timeout"},
      {Stage::scenario("[" + wait + "]", R"("detached":1,)"), "detached"},
      {Stage::scenario(R"([{"do":"wait","ms":600},{"do":"wait","ms":600}])", R"("timeout":1000,)"), "timeout"},
      {R"({"phones":{"anna":"12"},"steps":[)" + wait + "]}", "phones.anna"},
      {R"({"phones":{"anna":5},"steps":[)" + wait + "]}", "phones.anna"},
      {R"({"phones":{"1a":"15550000001"},"steps":[)" + wait + "]}", "phones.1a"},
      // the step itself
      {steps("{}"), "steps[0].do"},
      {steps(R"({"do":5})"), "steps[0].do"},
      {steps(R"({"do":"dance"})"), "steps[0].do"},
      {steps(R"({"do":"PUT messages","who":"anna"})"), "steps[0].do"},
      {steps(R"({"do":"script"})"), "steps[0].do"},
      {steps(R"({"do":"scan-qr"})"), "steps[0].do"},
      {steps(R"({"do":"messages/media","who":"anna","id":"1"})"), "steps[0].do"},
      {steps(R"({"do":"messages","to":"$ben","text":"x"})"), "steps[0].who"},
      {steps(R"({"do":"messages","who":"nobody","to":"$ben","text":"x"})"), "steps[0].who"},
      {steps(R"({"do":"messages","who":[],"to":"$ben","text":"x"})"), "steps[0].who"},
      {steps(R"({"do":"groups/leave","who":"anna"})"), "steps[0].group"},
      {steps("{" + send + R"(,"text":"x","at":1,"after":1})"), "steps[0].after"},
      {steps("{" + send + R"(,"text":"x","at":-1})"), "steps[0].at"},
      {steps("{" + send + R"(,"text":"x","jitter":"1"})"), "steps[0].jitter"},
      {steps("{" + send + R"(,"text":"x","as":"a b"})"), "steps[0].as"},
      {steps("{" + send + R"(,"text":"x","as":"anna"})"), "steps[0].as"},
      {steps("{" + send + R"(,"text":"x","as":"one"},{)" + send + R"(,"text":"x","as":"one"})"), "steps[1].as"},
      // the body of its route
      {steps(wait + ",{" + send + R"(,"txt":"x"})"), "steps[1].txt"},
      {steps("{" + send + R"(,"text":5})"), "steps[0].text"},
      {steps("{" + send + R"(,"text":"x","mentions":["$ben",1]})"), "steps[0].mentions[1]"},
      {steps("{" + send + R"(,"media":{"kind":"opera","data":"x"}})"), "steps[0].media.kind"},
      {steps("{" + send + R"(,"image":{}})"), "steps[0].image", 501},
      {steps(R"({"do":"power","who":"anna"})"), "steps[0].on"},
      {steps(R"({"do":"GET messages","who":"anna","limit":0})"), "steps[0].limit"},
      {steps(R"({"do":"GET messages","who":"anna","limt":1})"), "steps[0].limt"},
      {steps(R"({"do":"GET messages","who":"anna","limit":[]})"), "steps[0].limit"},
      {steps(R"({"do":"GET messages","who":"anna","strict":true})"), "steps[0].strict"},
      {steps(R"({"do":"faults","drop_acks":1,"drop_ack":1})"), "steps[0].drop_ack"},
      {steps(R"({"do":"faults","drop_acks":true})"), "steps[0].drop_acks"},
      {steps(R"({"do":"faults","media":[{"what":"nonsense"}]})"), "steps[0].media[0].what"},
      // references
      {steps("{" + send + R"(,"text":"$hello.id"})"), "steps[0].text"},
      {steps("{" + send + R"(,"text":"$anna.id"})"), "steps[0].text"},
      {steps("{" + send + R"(,"text":"${anna"})"), "steps[0].text"},
      {steps("{" + send + R"(,"text":"${}"})"), "steps[0].text"},
      {steps("{" + send + R"(,"text":"$me.id","as":"me"})"), "steps[0].text"},
      {steps("{" + send + R"(,"reaction":{"message":"$me.id","emoji":"x"}},{)" + send + R"(,"text":"x","as":"me"})"),
       "steps[0].reaction.message"},
      {steps("{" + send + R"(,"text":"x","as":"me"},{)" + send + R"(,"text":"$me.id","nonsense":"$me.id"})"),
       "steps[1].nonsense"},
      // wait, expect, repeat
      {steps(R"({"do":"wait"})"), "steps[0].ms"},
      {steps(R"({"do":"wait","ms":1,"as":"x"})"), "steps[0].as"},
      {steps(R"({"do":"wait","ms":1,"who":"anna"})"), "steps[0].who"},
      {steps(R"({"do":"expect"})"), "steps[0].who"},
      {steps(R"({"do":"expect","who":"nobody"})"), "steps[0].who"},
      {steps(R"({"do":"expect","who":"anna","colour":"red"})"), "steps[0].colour"},
      {steps(R"({"do":"expect","who":"anna","from":"ben"})"), "steps[0].from"},
      {steps(R"({"do":"expect","who":"anna","status":"read"})"), "steps[0].status"},
      {steps(R"({"do":"expect","who":"anna","id":"x","status":"seen"})"), "steps[0].status"},
      {steps(R"({"do":"expect","who":"anna","id":"x","by":"$ben"})"), "steps[0].by"},
      {steps(R"({"do":"expect","who":"anna","within":0})"), "steps[0].within"},
      {steps(R"({"do":"expect","who":"anna","chat":"1@broadcast"})"), "steps[0].chat"},
      {steps(R"({"do":"repeat","steps":[]})"), "steps[0].times"},
      {steps(R"({"do":"repeat","times":0,"steps":[)" + wait + "]}"), "steps[0].times"},
      {steps(R"({"do":"repeat","times":2,"steps":[]})"), "steps[0].steps"},
      {steps(R"({"do":"repeat","times":2,"after":1,"steps":[)" + wait + "]}"), "steps[0].after"},
      {steps(R"({"do":"repeat","times":2,"steps":[{"do":"dance"}]})"), "steps[0].steps[0].do"},
      {steps(R"({"do":"repeat","times":1001,"steps":[)" + wait + "," + wait + "]}"), "steps[0].times"},
      {steps(R"({"do":"repeat","times":50,"steps":[{"do":"repeat","times":50,"steps":[)" + wait + "]}]}"),
       "steps[0].times"},
      {steps(R"({"do":"repeat","times":1500,"steps":[)" + wait + R"(]},{"do":"repeat","times":1500,"steps":[)" + wait +
             "]}"),
       "steps[1]"},
      {steps(nested(Scenario::max_depth + 1)), "steps[0].steps[0].steps[0].steps[0].steps[0]"},
  };
  Stage stage;
  for (const Row& row : rows) {
    INFO(row.body.substr(0, 300));
    const auto error = stage.error(stage.call("POST", "/sandbox/v1/script", row.body), row.status);
    CHECK(error.at("code") == (row.status == 501 ? "NOT_IMPLEMENTED" : "VALIDATION_ERROR"));
    INFO(json::serialize(error));
    CHECK(error.at("details").as_object().contains(row.field));
  }
  stage.clock.advance(10'000);
  CHECK(stage.network.stats().messages_accepted == 0);
  CHECK(stage.data("GET", "/sandbox/v1/scripts").as_array().empty());
  stage.passes("[" + nested(Scenario::max_depth) + "]", 10);
}

TEST_CASE("all that is wrong with a member of a step is said of it, once") {
  Stage stage;
  const auto response = stage.call("POST", "/sandbox/v1/script",
                                   Stage::scenario(R"([{"do":"expect","who":"anna","id":"x","by":"nonsense"}])"));
  const auto by = stage.error(response, 400).at("details").at("steps[0].by").as_string();
  CHECK(std::string_view(by).find("is not valid") != std::string_view::npos);
  CHECK(std::string_view(by).find("needs `status`") != std::string_view::npos);
  CHECK(response.body.find("\"steps[0].by\":") == response.body.rfind("\"steps[0].by\":"));
}

TEST_CASE("every route can be named by a step") {
  const std::set<std::string_view> own{"do", "who", "as", "at", "after", "jitter"};
  std::set<std::tuple<std::string_view, std::string, std::size_t>> names;
  REQUIRE(control_actions().size() > 50);
  for (const ControlAction& action : control_actions()) {
    const auto name = action_name(action);
    const auto params = path_params(action.pattern);
    INFO(action.method << " " << action.pattern << " is " << name);
    CHECK_FALSE(name.empty());
    CHECK(names.emplace(action.method, name, params.size()).second);
    CHECK(name != "wait");
    CHECK(name != "expect");
    CHECK(name != "repeat");
    for (const web::Schema* schema : {action.body, action.query}) {
      if (schema == nullptr) continue;
      for (const web::Field& field : schema->fields) {
        if (name == "messages" && action.method == "GET" && field.name == "after") continue;  // docs/sandbox.md says so
        INFO(field.name);
        CHECK_FALSE(own.contains(field.name));
        CHECK(std::none_of(params.begin(), params.end(), [&](auto param) { return step_member(param) == field.name; }));
      }
    }
  }
}

}  // namespace wharf::sandbox::test
