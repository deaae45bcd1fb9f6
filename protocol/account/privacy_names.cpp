#include "protocol/account/privacy_names.h"

#include <iterator>

namespace wharf::protocol {

namespace {

using C = PrivacyCategory;
using V = PrivacyValue;

template <class... Values>
constexpr unsigned set_of(Values... values) {
  return ((1u << static_cast<unsigned>(values)) | ...);
}

struct CategoryRow {
  std::string_view name;
  unsigned values;  // a bit each
  C category;
};

constexpr unsigned audience = set_of(V::all, V::contacts, V::contact_blacklist, V::none);

// `groupadd` none and `calladd` contacts are taken by some servers only (05 section 13): not refused here.
constexpr CategoryRow categories[] = {
    {"last", audience, C::last_seen},
    {"profile", audience, C::profile_picture},
    {"status", audience, C::about},
    {"online", set_of(V::all, V::match_last_seen), C::online},
    {"readreceipts", set_of(V::all, V::none), C::read_receipts},
    {"groupadd", audience, C::group_add},
    {"calladd", set_of(V::all, V::known, V::contacts), C::call_add},
    {"messages", set_of(V::all, V::contacts), C::messages},
    {"defense", set_of(V::off, V::on_standard), C::defense},
    {"stickers", set_of(V::contacts, V::contact_allowlist, V::none), C::stickers},
    {"linked_profiles", audience, C::linked_profiles},
    {"pix", audience, C::pix},
};
static_assert(std::size(categories) == privacy_category_count);

struct ValueRow {
  V value;
  std::string_view name;
};
constexpr ValueRow values[] = {
    {V::all, "all"},
    {V::contacts, "contacts"},
    {V::contact_blacklist, "contact_blacklist"},
    {V::contact_allowlist, "contact_allowlist"},
    {V::none, "none"},
    {V::match_last_seen, "match_last_seen"},
    {V::known, "known"},
    {V::off, "off"},
    {V::on_standard, "on_standard"},
};

}  // namespace

std::string_view name(PrivacyCategory category) {
  for (const CategoryRow& row : categories)
    if (row.category == category) return row.name;
  return {};
}

std::string_view name(PrivacyValue value) {
  for (const ValueRow& row : values)
    if (row.value == value) return row.name;
  return {};
}

std::optional<PrivacyCategory> privacy_category(std::string_view name) {
  for (const CategoryRow& row : categories)
    if (row.name == name) return row.category;
  return std::nullopt;
}

std::optional<PrivacyValue> privacy_value(std::string_view name) {
  for (const ValueRow& row : values)
    if (row.name == name) return row.value;
  return std::nullopt;
}

bool allowed(PrivacySetting setting) {
  for (const CategoryRow& row : categories) {
    if (row.category != setting.category) continue;
    return (row.values & set_of(setting.value)) != 0;
  }
  return false;
}

}  // namespace wharf::protocol
