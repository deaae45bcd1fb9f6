#include "protocol/account/limits.h"

#include "protocol/mex/fields.h"

namespace wharf::protocol {

namespace {

constexpr std::uint64_t restriction_seconds = 60;  // of one without an end
constexpr std::string_view restriction_key = "xwa2_fetch_account_reachout_timelock";
constexpr std::string_view quota_key = "xwa2_message_capping_info";

}  // namespace

std::optional<AccountRestricted> read_restriction(const Json& json, std::uint64_t unix_seconds) {
  const auto active = json["is_active"].boolean();
  if (!active) return std::nullopt;
  AccountRestricted out;
  out.active = *active;
  if (!out.active) return out;
  out.enforcement = line_in(json, "enforcement_type", 128);
  out.until = json["time_enforcement_ends"].number().value_or(unix_seconds + restriction_seconds);
  return out;
}

Json restriction_json(const AccountRestricted& restriction) {
  Json json = Json::object().set("is_active", restriction.active);
  if (restriction.active) json.set("enforcement_type", restriction.enforcement);
  if (restriction.until) json.set("time_enforcement_ends", std::to_string(*restriction.until));
  return json;
}

std::optional<NewChatQuota> read_quota(const Json& json) {
  NewChatQuota out;
  out.status = line_in(json, "capping_status", 64);
  if (out.status.empty()) return std::nullopt;
  out.used = json["used_quota"].number();
  out.total = json["total_quota"].number();
  out.cycle_start = json["cycle_start_timestamp"].number();
  out.cycle_end = json["cycle_end_timestamp"].number();
  return out;
}

Json quota_json(const NewChatQuota& quota) {
  Json json = Json::object().set("capping_status", quota.status);
  json.set_if("used_quota", quota.used).set_if("total_quota", quota.total);
  json.set_if("cycle_start_timestamp", quota.cycle_start).set_if("cycle_end_timestamp", quota.cycle_end);
  return json;
}

MexRequest restriction_query() { return {"FetchReachoutTimelock", Json::object()}; }

MexRequest quota_query() {
  Json input = Json::object().set("type", "INDIVIDUAL_NEW_CHAT_THREAD");
  return {"FetchNewChatMessageCappingInfo", Json::object().set("input", std::move(input))};
}

Result<AccountRestricted> read_restriction_answer(const Node& answer, std::uint64_t unix_seconds) {
  const auto data = read_mex_answer(answer);
  if (!data) return data.error();
  auto restriction = read_restriction((*data)[restriction_key], unix_seconds);
  if (!restriction) return Error(Errc::malformed, "restriction: answer without it");
  return std::move(*restriction);
}

Result<NewChatQuota> read_quota_answer(const Node& answer) {
  const auto data = read_mex_answer(answer);
  if (!data) return data.error();
  auto quota = read_quota((*data)[quota_key]);
  if (!quota) return Error(Errc::malformed, "quota: answer without it");
  return std::move(*quota);
}

Node restriction_answer(const Node& request, const AccountRestricted& restriction) {
  return mex_answer(request, Json::object().set(restriction_key, restriction_json(restriction)));
}

Node quota_answer(const Node& request, const NewChatQuota& quota) {
  return mex_answer(request, Json::object().set(quota_key, quota_json(quota)));
}

}  // namespace wharf::protocol
