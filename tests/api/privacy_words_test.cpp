#include "api/privacy_words.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::PrivacyCategory;
using protocol::PrivacySetting;
using protocol::PrivacyValue;
using test::check_documented;
namespace json = boost::json;

namespace {

constexpr std::size_t value_count = static_cast<std::size_t>(PrivacyValue::on_standard) + 1;

std::set<std::string> split(std::string_view choices) {
  std::set<std::string> out;
  while (!choices.empty()) {
    const std::size_t bar = choices.find('|');
    out.emplace(choices.substr(0, bar));
    choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
  }
  return out;
}

const Field& field_of(const Schema& schema, std::string_view name) {
  for (const Field& field : schema.fields)
    if (field.name == name) return field;
  FAIL("no field " << name);
  return schema.fields.front();
}

}  // namespace

TEST_CASE("each privacy setting takes at the door what a server takes for it, and no other value") {
  std::set<std::string_view> words;
  for (std::size_t c = 0; c < protocol::privacy_category_count; ++c) {
    const auto category = static_cast<PrivacyCategory>(c);
    INFO(word(category));
    CHECK(words.insert(word(category)).second);
    const std::set<std::string> taken = split(field_of(schemas::update_privacy, word(category)).one_of);
    const std::set<std::string> shown = split(field_of(schemas::privacy, word(category)).one_of);
    for (std::size_t v = 0; v < value_count; ++v) {
      const auto value = static_cast<PrivacyValue>(v);
      INFO(word(value));
      CHECK(taken.contains(std::string(word(value))) == protocol::allowed({category, value}));
      CHECK(shown.contains(std::string(word(value))));
      CHECK(privacy_value_of(word(value)) == value);
    }
  }
  CHECK(schemas::update_privacy.fields.size() == protocol::privacy_category_count);
  CHECK(schemas::privacy.fields.size() == protocol::privacy_category_count);
}

TEST_CASE("whom a setting leaves out can be said of those that may leave out somebody") {
  const std::set<std::string> taken = split(field_of(schemas::change_excluded, "setting").one_of);
  CHECK(split(field_of(schemas::excluded_query, "setting").one_of) == taken);
  for (std::size_t c = 0; c < protocol::privacy_category_count; ++c) {
    const auto category = static_cast<PrivacyCategory>(c);
    const std::string name(word(category));
    INFO(name);
    CHECK(taken.contains(name) == protocol::allowed({category, PrivacyValue::contact_blacklist}));
    CHECK(privacy_category_of(name) == category);
  }
  CHECK_FALSE(privacy_category_of("last"));
}

TEST_CASE("privacy settings are read of a body and shown in the same words") {
  const json::object body =
      json::parse(R"({"online":"matchLastSeen","lastSeen":"contactBlacklist","defense":"onStandard"})").as_object();
  const std::vector<PrivacySetting> settings = privacy_of(body);
  CHECK(settings == std::vector<PrivacySetting>{{PrivacyCategory::last_seen, PrivacyValue::contact_blacklist},
                                                {PrivacyCategory::online, PrivacyValue::match_last_seen},
                                                {PrivacyCategory::defense, PrivacyValue::on_standard}});
  CHECK(json::parse(privacy_json(settings)) == body);
  CHECK(privacy_of({}).empty());
  CHECK(privacy_json({}) == "{}");
}

TEST_CASE("what a server says of a setting is shown once, whatever the table allows") {
  const json::value shown = json::parse(privacy_json({{PrivacyCategory::group_add, PrivacyValue::all},
                                                      {PrivacyCategory::online, PrivacyValue::none},
                                                      {PrivacyCategory::group_add, PrivacyValue::none}}));
  check_documented(shown, schemas::privacy);
  CHECK(shown == json::parse(R"({"groupAdd":"none","online":"none"})"));
}
