#include "sandbox/network/groups/group_plan.h"

#include <utility>

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_recipients = 5'000;
constexpr std::size_t max_message_bytes = 1u << 20;

bool is_enc(const Node& enc) { return !enc.data().empty() && enc.attr("v") == "2"; }
bool is_pairwise(const Node& enc) {
  const auto type = enc.attr("type");
  return is_enc(enc) && (type == "msg" || type == "pkmsg");
}

GroupPlan refused(unsigned code, std::string why) {
  GroupPlan plan;
  plan.error = code;
  plan.why = std::move(why);
  return plan;
}

GroupPlan resend(const Accounts& accounts, const Origin& origin, const Group& group, const Node& message,
                 const Node& enc) {
  const auto jid = message.jid("participant");
  if (!jid) return refused(479, "a resend that names no participant");
  if (message.has("phash")) return refused(479, "phash on a message to one device");
  if (jid->is_lid() != group.lid && !group.status)
    return refused(479, "a participant of the other addressing mode than the group's");
  const auto target = accounts.resolve(*jid);
  GroupPlan plan;
  if (!target || group.member(target->party->account.phone) == nullptr || !accounts.find_device(target->key())) {
    plan.strangers = true;  // gone since it asked
    return plan;
  }
  if (target->key() == origin.key) return refused(400, "addressed to the sending device");
  plan.only = target->key();
  plan.single.emplace(target->key(), &enc);
  return plan;
}

/// The participants of a message: one ciphertext for each device that is still there. Returns what they weigh.
std::size_t add_participants(GroupPlan& plan, const Accounts& accounts, const Origin& origin, const Group& group,
                             const std::vector<const Node*>& rows) {
  std::size_t bytes = 0;
  for (const auto* row : rows) {
    const auto jid = row->jid("jid");
    const auto* enc = row->child("enc");
    if (group.status && jid && enc == nullptr) continue;  // somebody who has the key, by name alone
    if (!jid || enc == nullptr || !is_pairwise(*enc)) {
      plan.error = 479;
      plan.why = "enc of unknown type or empty";
      return 0;
    }
    bytes += enc->data().size();
    // Some of an audience may have no LID.
    if (jid->is_lid() != group.lid && !group.status) {
      plan.error = 400;
      plan.why = "mixed phone number and LID addressing";
      return 0;
    }
    const auto target = accounts.resolve(*jid);
    const bool member = target && group.member(target->party->account.phone) != nullptr;
    plan.strangers |= !member;
    if (!member || target->key() == origin.key || !accounts.find_device(target->key())) continue;
    plan.single.emplace(target->key(), enc);
  }
  return bytes;
}

}  // namespace

std::optional<bool> names_by_lid(const Node& message) {
  const auto mode = message.attr("addressing_mode");
  if (mode == "lid") return true;
  if (mode == "pn") return false;
  const auto* participants = message.child("participants");
  const auto* row = participants ? participants->child("to") : nullptr;
  const auto jid = row ? row->jid("jid") : std::nullopt;
  if (!jid) return std::nullopt;
  return jid->is_lid();
}

GroupPlan plan_of(const Accounts& accounts, const Origin& origin, const Group& group, const Node& message) {
  const auto* enc = message.child("enc");
  if (group.status && enc == nullptr) return refused(479, "a status without a ciphertext for all");
  // Beside a bare pairwise one some clients send the same once more in a list: the bare one counts.
  if (enc != nullptr && is_pairwise(*enc)) {
    if (enc->data().size() > max_message_bytes) return refused(400, "message too large");
    return resend(accounts, origin, group, message, *enc);
  }
  if (enc != nullptr && (!is_enc(*enc) || enc->attr("type") != "skmsg"))
    return refused(479, "enc of unknown type or empty");
  if (message.has("participant")) return refused(479, "a participant on a message to all");

  GroupPlan plan;
  plan.shared = enc;
  std::size_t bytes = enc != nullptr ? enc->data().size() : 0;
  if (const auto* participants = message.child("participants")) {
    const auto rows = participants->children("to");
    if (rows.size() > max_recipients) return refused(400, "too many recipients");
    bytes += add_participants(plan, accounts, origin, group, rows);
  }
  if (plan.error != 0) return plan;
  if (bytes > max_message_bytes) return refused(400, "message too large");
  if (plan.shared == nullptr && plan.single.empty() && !plan.strangers) return refused(400, "no enc");
  return plan;
}

}  // namespace wharf::sandbox
