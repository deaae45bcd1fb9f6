#include "protocol/business/profile.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "w:biz";
constexpr std::string_view version = "244";
constexpr std::size_t max_websites = 2;
constexpr std::size_t max_email_bytes = 254;
constexpr std::size_t max_categories = 32;
constexpr std::size_t max_hours = 56;  // eight a day
constexpr std::uint64_t day_minutes = 1440;

constexpr std::array<std::string_view, 7> weekdays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<std::string_view, 3> modes = {"open_24h", "specific_hours", "appointment_only"};

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

/// Degrees within `bound`; written as a number or not at all.
std::optional<double> degrees(const Node& profile, std::string_view tag, double bound) {
  const Node* node = profile.child(tag);
  if (node == nullptr) return std::nullopt;
  const std::string_view text = node->text();
  double value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size() || !(std::abs(value) <= bound)) return std::nullopt;
  return value;
}

std::string degrees_text(double value) {
  std::array<char, 32> text{};
  const auto [end, failure] = std::to_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() ? std::string(text.data(), end) : std::string("0");
}

std::optional<BusinessHours> read_hours(const Node& row) {
  const auto day = index_of(weekdays, row.attr("day_of_week"));
  const auto mode = index_of(modes, row.attr("mode"));
  if (!day || !mode) return std::nullopt;
  BusinessHours hours;
  hours.day = static_cast<Weekday>(*day);
  hours.mode = static_cast<BusinessHours::Mode>(*mode);
  if (hours.mode != BusinessHours::Mode::specific_hours) return hours;
  const auto opens = row.number("open_time"), closes = row.number("close_time");
  if (!opens || !closes || *opens > day_minutes || *closes > day_minutes) return std::nullopt;
  hours.opens = static_cast<std::uint16_t>(*opens);
  hours.closes = static_cast<std::uint16_t>(*closes);
  return hours;
}

std::optional<BusinessProfile> read_profile(const Node& node) {
  const auto jid = user_attr(node, "jid");
  if (!jid || !within_rows(node)) return std::nullopt;
  BusinessProfile out;
  out.jid = *jid;
  out.tag = line_attr(node, "tag", 128);
  if (const Node* text = node.child("description")) out.description = paragraph(text->text());
  if (const Node* text = node.child("address")) out.address = paragraph(text->text(), max_line_bytes);
  if (const Node* text = node.child("email")) out.email = whole_line(text->text(), max_email_bytes);
  for (const Node* website : node.children("website")) {
    std::string address = whole_line(website->text());
    if (!address.empty() && out.websites.size() < max_websites) out.websites.push_back(std::move(address));
  }
  out.latitude = degrees(node, "latitude", 90);
  out.longitude = degrees(node, "longitude", 180);
  if (const Node* list = node.child("categories")) {
    for (const Node* row : list->children("category")) {
      if (out.categories.size() == max_categories) break;
      out.categories.push_back({line_attr(*row, "id", 64), display_line(row->text(), 256)});
    }
  }
  if (const Node* list = node.child("business_hours")) {
    out.timezone = line_attr(*list, "timezone", 64);
    for (const Node* row : list->children("business_hours_config")) {
      const auto hours = read_hours(*row);
      if (hours && out.hours.size() < max_hours) out.hours.push_back(*hours);
    }
  }
  return out;
}

Node text_node(std::string_view tag, std::string_view text) { return Node(tag).text(text); }

Node profile_node(const BusinessProfile& profile) {
  Node node("profile");
  put(node.set("jid", profile.jid), "tag", profile.tag);
  if (!profile.description.empty()) node.add(text_node("description", profile.description));
  if (!profile.address.empty()) node.add(text_node("address", profile.address));
  if (!profile.email.empty()) node.add(text_node("email", profile.email));
  for (const std::string& website : profile.websites) node.add(text_node("website", website));
  if (profile.latitude) node.add(text_node("latitude", degrees_text(*profile.latitude)));
  if (profile.longitude) node.add(text_node("longitude", degrees_text(*profile.longitude)));
  if (!profile.categories.empty()) {
    Node list("categories");
    for (const BusinessCategory& category : profile.categories)
      list.add(Node("category").set("id", category.id).text(category.name));
    node.add(std::move(list));
  }
  if (!profile.hours.empty() || !profile.timezone.empty()) {
    Node list("business_hours");
    put(list, "timezone", profile.timezone);
    for (const BusinessHours& hours : profile.hours) {
      Node row("business_hours_config");
      row.set("day_of_week", weekdays[static_cast<std::size_t>(hours.day)]);
      row.set("mode", modes[static_cast<std::size_t>(hours.mode)]);
      if (hours.mode == BusinessHours::Mode::specific_hours)
        row.set("open_time", std::uint64_t{hours.opens}).set("close_time", std::uint64_t{hours.closes});
      list.add(std::move(row));
    }
    node.add(std::move(list));
  }
  return node;
}

}  // namespace

Node business_profile_iq(std::string_view id, std::span<const Jid> businesses) {
  Node query("business_profile");
  query.set("v", version);
  for (const Jid& jid : businesses) query.add(Node("profile").set("jid", jid.user_jid()));
  return iq_get(id, xmlns).add(std::move(query));
}

Result<std::vector<BusinessProfile>> read_business_profiles(const Node& answer) {
  std::vector<BusinessProfile> profiles;
  const auto refusal = iq_refusal(answer, "business profile");
  if (refusal && refusal->code == Errc::not_found) return profiles;
  if (auto done = result_only(answer, "business profile"); !done) return done.error();
  const Node* list = answer.child("business_profile");
  if (list == nullptr) return profiles;
  if (!within_rows(*list)) return Error(Errc::malformed, "business profile: too many rows");
  for (const Node* row : list->children("profile")) {
    if (auto profile = read_profile(*row)) profiles.push_back(std::move(*profile));
  }
  return profiles;
}

std::optional<std::vector<Jid>> read_business_profile_query(const Node& iq) {
  const Node* query = is_request(iq, "get", xmlns) ? iq.child("business_profile") : nullptr;
  if (query == nullptr || !within_rows(*query)) return std::nullopt;
  std::vector<Jid> jids;
  for (const Node* row : query->children("profile"))
    if (auto jid = user_attr(*row, "jid")) jids.push_back(std::move(*jid));
  return jids;
}

Node business_profile_answer(const Node& request, std::span<const BusinessProfile> profiles) {
  Node list("business_profile");
  for (const BusinessProfile& profile : profiles) list.add(profile_node(profile));
  return iq_result(request).add(std::move(list));
}

}  // namespace wharf::protocol
