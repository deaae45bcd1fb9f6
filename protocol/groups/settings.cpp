#include "protocol/groups/settings.h"

#include <array>

#include "protocol/groups/fields.h"
#include "protocol/groups/limits.h"

namespace wharf::protocol::groups {

namespace {

struct FlagRow {
  Flag flag;
  std::string_view on, off, field;
  bool settable = true;
};
constexpr std::array flag_rows = {
    FlagRow{Flag::announcement, "announcement", "not_announcement", "announce"},
    FlagRow{Flag::locked, "locked", "unlocked", "locked"},
    FlagRow{Flag::non_admin_sub_groups, "allow_non_admin_sub_group_creation", "not_allow_non_admin_sub_group_creation",
            "non_admin_sub_groups"},
    FlagRow{Flag::admin_reports, "allow_admin_reports", "not_allow_admin_reports", "admin_reports"},
    FlagRow{Flag::group_history, "group_history", "no_group_history", "group_history"},
    FlagRow{Flag::frequently_forwarded, "frequently_forwarded_ok", "no_frequently_forwarded", "frequently_forwarded"},
    FlagRow{Flag::suspended, "suspended", "unsuspended", "suspended", false},
    FlagRow{Flag::limit_sharing, "limit_sharing_enabled", "", "limit_sharing", false},
};

struct ModeRow {
  Mode mode;
  std::string_view tag, admins, all_members;
};
constexpr std::array mode_rows = {
    ModeRow{Mode::member_add, "member_add_mode", "admin_add", "all_member_add"},
    ModeRow{Mode::member_link, "member_link_mode", "admin_link", "all_member_link"},
    ModeRow{Mode::history_share, "member_share_group_history_mode", "admin_share", "all_member_share"},
};

// Both tables are in the order of their enumerations.
const FlagRow& row_of(Flag flag) { return flag_rows.at(static_cast<std::size_t>(flag)); }
const ModeRow& row_of(Mode mode) { return mode_rows.at(static_cast<std::size_t>(mode)); }

}  // namespace

std::string_view name(AddressingMode mode) { return mode == AddressingMode::lid ? "lid" : "pn"; }

std::optional<AddressingMode> read_addressing_mode(std::string_view text) {
  if (text == "lid") return AddressingMode::lid;
  if (text == "pn") return AddressingMode::phone_number;
  return std::nullopt;
}

std::string_view tag(Flag flag, bool on) { return on ? row_of(flag).on : row_of(flag).off; }

std::optional<std::pair<Flag, bool>> flag_of(std::string_view tag) {
  for (const FlagRow& row : flag_rows) {
    if (tag == row.on) return std::pair(row.flag, true);
    if (!row.off.empty() && tag == row.off) return std::pair(row.flag, false);
  }
  return std::nullopt;
}

std::string_view event_field(Flag flag) { return row_of(flag).field; }
bool settable(Flag flag) { return row_of(flag).settable; }

std::string_view tag(Mode mode) { return row_of(mode).tag; }

std::optional<Mode> mode_of(std::string_view tag) {
  for (const ModeRow& row : mode_rows)
    if (row.tag == tag) return row.mode;
  return std::nullopt;
}

std::string_view text(Mode mode, Allowed who) {
  return who == Allowed::admins ? row_of(mode).admins : row_of(mode).all_members;
}

std::optional<Allowed> allowed(Mode mode, std::string_view text) {
  if (text == row_of(mode).admins) return Allowed::admins;
  if (text == row_of(mode).all_members) return Allowed::all_members;
  return std::nullopt;
}

std::optional<Ephemeral> read_ephemeral(const Node& node) {
  if (node.is("not_ephemeral")) return Ephemeral{};
  const auto seconds = expiration_attr(node);
  if (!seconds) return std::nullopt;
  Ephemeral ephemeral{*seconds, {}};
  if (const auto trigger = node.number("trigger"); trigger && *trigger <= max_trigger) {
    ephemeral.trigger = static_cast<std::uint32_t>(*trigger);
  }
  return ephemeral;
}

Node ephemeral_node(const Ephemeral& ephemeral) {
  if (ephemeral.seconds == 0 && !ephemeral.trigger) return Node("not_ephemeral");
  Node node("ephemeral");
  node.set("expiration", ephemeral.seconds);
  put(node, "trigger", ephemeral.trigger);
  return node;
}

std::optional<bool> read_join_approval(const Node& membership_approval_mode) {
  const Node* join = membership_approval_mode.child("group_join");
  const std::string state = join == nullptr ? std::string() : join->attr("state");
  if (state == "on") return true;
  if (state == "off") return false;
  return std::nullopt;
}

Node join_approval_node(bool on) {
  return Node("membership_approval_mode").add(Node("group_join").set("state", on ? "on" : "off"));
}

GrowthLock read_growth_lock(const Node& growth_locked) {
  return {token_attr(growth_locked, "type"), expiration_attr(growth_locked)};
}

Node growth_lock_node(const GrowthLock& lock) {
  Node node("growth_locked");
  put(node, "type", lock.type);
  put(node, "expiration", lock.until);
  return node;
}

}  // namespace wharf::protocol::groups
