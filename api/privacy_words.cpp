#include "api/privacy_words.h"

#include <algorithm>
#include <iterator>

#include "api/json_writer.h"
#include "api/validation.h"

namespace wharf::api {

using protocol::PrivacyCategory;
using protocol::PrivacySetting;
using protocol::PrivacyValue;

namespace {

struct CategoryWord {
  PrivacyCategory category;
  std::string_view word;
};
constexpr CategoryWord categories[] = {
    {PrivacyCategory::last_seen, "lastSeen"},
    {PrivacyCategory::profile_picture, "profilePicture"},
    {PrivacyCategory::about, "about"},
    {PrivacyCategory::online, "online"},
    {PrivacyCategory::read_receipts, "readReceipts"},
    {PrivacyCategory::group_add, "groupAdd"},
    {PrivacyCategory::call_add, "callAdd"},
    {PrivacyCategory::messages, "messages"},
    {PrivacyCategory::defense, "defense"},
    {PrivacyCategory::stickers, "stickers"},
    {PrivacyCategory::linked_profiles, "linkedProfiles"},
    {PrivacyCategory::pix, "pix"},
};
static_assert(std::size(categories) == protocol::privacy_category_count);

struct ValueWord {
  PrivacyValue value;
  std::string_view word;
};
constexpr ValueWord values[] = {
    {PrivacyValue::all, "all"},
    {PrivacyValue::contacts, "contacts"},
    {PrivacyValue::contact_blacklist, "contactBlacklist"},
    {PrivacyValue::contact_allowlist, "contactAllowlist"},
    {PrivacyValue::none, "none"},
    {PrivacyValue::match_last_seen, "matchLastSeen"},
    {PrivacyValue::known, "known"},
    {PrivacyValue::off, "off"},
    {PrivacyValue::on_standard, "onStandard"},
};

}  // namespace

std::string_view word(PrivacyCategory category) {
  for (const CategoryWord& row : categories)
    if (row.category == category) return row.word;
  return {};
}

std::string_view word(PrivacyValue value) {
  for (const ValueWord& row : values)
    if (row.value == value) return row.word;
  return {};
}

std::optional<PrivacyValue> privacy_value_of(std::string_view word) {
  for (const ValueWord& row : values)
    if (row.word == word) return row.value;
  return std::nullopt;
}

std::optional<PrivacyCategory> privacy_category_of(std::string_view word) {
  for (const CategoryWord& row : categories)
    if (row.word == word) return row.category;
  return std::nullopt;
}

std::vector<PrivacySetting> privacy_of(const boost::json::object& body) {
  std::vector<PrivacySetting> out;
  for (const CategoryWord& row : categories)
    if (const auto value = privacy_value_of(text_of(body, row.word))) out.push_back({row.category, *value});
  return out;
}

std::string privacy_json(const std::vector<PrivacySetting>& settings) {
  JsonWriter out(512);
  out.begin_object();
  for (const CategoryWord& row : categories) {
    const auto last = std::find_if(settings.rbegin(), settings.rend(),
                                   [&](const PrivacySetting& one) { return one.category == row.category; });
    if (last != settings.rend()) out.text(row.word, word(last->value));
  }
  return out.end_object().take();
}

}  // namespace wharf::api
